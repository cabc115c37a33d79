/** What is wrong with bytes of a segment. */
export class SegmentDamage extends Error {}
