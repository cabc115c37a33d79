/** Node's HTTP. Importing it would load a client of HTTP and WebSockets as well: 30 ms of each start. */
export const http: typeof import('node:http') = process.getBuiltinModule('node:http')
