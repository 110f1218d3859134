export default function Page() {
  return <p>An app with the Pages API.</p>
}
