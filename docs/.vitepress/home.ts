/** VitePress's home page, shown above docs/index.md. */
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
      title: 'Resumes automatically',
      details:
        'After a cut, a restart, a deploy or a sleeping laptop, each subscription continues.',
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
      details: 'Redis or Valkey stores the events. No sticky sessions, and a crash loses nothing.',
      link: '/redis',
    },
    {
      title: 'State for React',
      details: 'Snapshots and events, folded into a list. Optimistic updates and server rendering.',
      link: '/react',
    },
    {
      title: 'Measured',
      details: 'An event is encoded once for all subscribers. All figures come with their command.',
      link: '/performance',
    },
  ],
}
