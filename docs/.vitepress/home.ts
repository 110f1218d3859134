/** What the site shows above docs/index.md, in the form of VitePress's home page. */
export const home = {
  layout: 'home',
  hero: {
    name: 'trpc-sse',
    text: 'Real-time subscriptions for tRPC',
    tagline: 'Every event once, in order, or an honest gap. Never a silent loss.',
    actions: [
      { theme: 'brand', text: 'Get started', link: '/getting-started' },
      { theme: 'alt', text: 'Examples to copy', link: '/examples/' },
    ],
  },
  features: [
    {
      title: 'Resumes by itself',
      details:
        'Cuts, restarts, deploys, a laptop that slept: each subscription goes on where it stood.',
      link: '/resume-and-gaps',
    },
    {
      title: 'One changed import',
      details:
        'Express, Fastify, Next.js, Hono, Bun, Deno and Workers. Types come from your router.',
      link: '/frameworks',
    },
    {
      title: 'One connection',
      details: 'All subscriptions of a page, and of all its tabs, on any of your servers.',
      link: '/client-link',
    },
    {
      title: 'Any number of servers',
      details:
        'Redis or Valkey keeps the events. No sticky sessions, nothing lost when one crashes.',
      link: '/redis',
    },
    {
      title: 'State for React',
      details:
        'A snapshot and what happens to it, folded into a list. Optimistic, rendered on the server too.',
      link: '/react',
    },
    {
      title: 'Measured',
      details:
        'An event is encoded once for all its subscribers. The figures are there, and how to get them.',
      link: '/performance',
    },
  ],
}
