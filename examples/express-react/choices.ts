/** What can be voted for. */
export const choices = ['Ramen', 'Tacos', 'Pizza', 'Falafel'] as const

export type Choice = (typeof choices)[number]
