import type { Plant } from './plant.ts'

/** Bugs of the Redis backend on a Cluster. */
export const clusterPlants: readonly Plant[] = [
  {
    name: 'cluster-asks-unheard',
    seed: 79,
    about: 'found by the simulator: a node that dies while it is asked ends the process',
    file: 'redis/src/connection/clients.ts',
    store: 'cluster',
    find: "  cluster.on('+node', ignoreFailedAsking)\n",
    replace: '',
  },
  {
    name: 'cluster-slots-move-unseen',
    seed: 863,
    about: 'a channel whose slot has moved is not subscribed again',
    file: 'redis/src/pubsub/reconnecting-connection.ts',
    store: 'cluster',
    find: "    client.on('moved', () => this.#options.onMoved())\n",
    replace: '',
  },
  {
    name: 'cluster-stays-with-old-nodes',
    seed: 30,
    about: 'a master that was replaced is not left',
    file: 'redis/src/pubsub/subscriber.ts',
    store: 'cluster',
    find: '    nodes.onRefresh(() => this.#leaveLostNodes())\n',
    replace: '',
  },
  {
    name: 'cluster-notifies-elsewhere',
    seed: 1,
    about: 'events are announced where nobody listens',
    file: 'redis/src/commands/commands.ts',
    store: 'cluster',
    find: "'SPUBLISH'",
    replace: "'PUBLISH'",
  },
]
