/** Names under which the timers of an operator stand among the states of a manifest; no user state can have them. */
export const EVENT_TIMERS = '!event-timers'
export const PROCESSING_TIMERS = '!processing-timers'
