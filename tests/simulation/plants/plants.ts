import { clientPlants } from './client.ts'
import { clusterPlants } from './cluster.ts'
import type { Plant } from './plant.ts'
import { redisPlants } from './redis.ts'
import { serverPlants } from './server.ts'
import { watchedPlants } from './watched.ts'

/** The planted bugs. */
export const plants: readonly Plant[] = [
  ...serverPlants,
  ...clientPlants,
  ...redisPlants,
  ...clusterPlants,
  ...watchedPlants,
]
