/** The options of the poll. */
export const choices = ['Ramen', 'Tacos', 'Pizza', 'Falafel'] as const

export type Choice = (typeof choices)[number]
