import { useEffect, useListener, useLoad } from './page.js'

/** What `path` answers, read again every ten seconds, or every second while it is `making` something. A tab that nobody looks at asks for nothing. */
export function useFresh(path) {
	const load = useLoad(path)
	const { data, error, reload } = load
	const look = () => document.hidden || reload()
	useListener('visibilitychange', look)
	useEffect(() => {
		const timer = setTimeout(look, data?.making ? 1000 : 10_000)
		return () => clearTimeout(timer)
	}, [data, error])
	return load
}
