/** The host of all nodes. They differ by their ports. */
export const clusterHost = '127.0.0.1'
