/** Which of the three ranges a price is in, from 0: below 10,000, below 1,000,000, or above. */
export const priceRange = (price: number): 0 | 1 | 2 =>
  price < 10_000 ? 0 : price < 1_000_000 ? 1 : 2
