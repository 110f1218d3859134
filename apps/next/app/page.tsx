import { SignIn } from '../page/sign-in.tsx'
import { Todos } from '../page/todos.tsx'
import { appRouter } from '../server/router.ts'
import { currentSession } from '../server/session.ts'

export default async function Page() {
  const session = await currentSession()
  const { user } = session
  if (user === undefined) return <SignIn />
  const initialData = await appRouter.createCaller({ session }).todos({ user })
  // The key resets the page when another user signs in.
  return <Todos key={user} user={user} initialData={initialData} />
}
