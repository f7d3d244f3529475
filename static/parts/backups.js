// What there is to say of backups, kept fresh.

import { html, useEffect, useRef } from '../vendor/htm.js'
import { useLoad } from './page.js'

export const BACKUPS = '/backups'

/** The report, read again every ten seconds, and every second while one is being made; `ended(before, now)` hears when it is done. */
export function useBackups(ended) {
	const { data, error, reload } = useLoad(BACKUPS)
	const seen = useRef()
	const report = data || seen.current
	useEffect(() => {
		if (data && !data.making && seen.current?.making) ended?.(seen.current, data)
		seen.current = report
		// Nobody looks at a hidden tab, but for what was begun in it.
		const look = () => (document.hidden && !report?.making ? wait() : reload())
		let timer
		const wait = () => (timer = setTimeout(look, report?.making ? 1000 : 10_000))
		wait()
		return () => clearTimeout(timer)
	}, [data, error])
	return { report, error, reload }
}

/** What an operator should know, with what may follow it. */
export const Warnings = ({ of, children }) => html`<div role=status>${of.map((text) => html`<p key=${text} class="banner warning">${text} ${children}</p>`)}</div>`
