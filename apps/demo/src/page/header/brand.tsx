/** The name of the product. */
export function Brand() {
  return (
    <h1>
      trpc<span className="dash">-</span>sse
    </h1>
  )
}
