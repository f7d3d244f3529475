import { useEffect, useLoad } from './page.js'

/** What `path` answers, read again every ten seconds, or every second while it is `making` something. A tab that nobody looks at asks for nothing. */
export function useFresh(path) {
	const load = useLoad(path)
	const { data, error, reload } = load
	useEffect(() => {
		const look = () => document.hidden || reload()
		const timer = setTimeout(look, data?.making ? 1000 : 10_000)
		addEventListener('visibilitychange', look)
		return () => {
			clearTimeout(timer)
			removeEventListener('visibilitychange', look)
		}
	}, [data, error])
	return load
}
