// What there is to say of backups, kept fresh.

import { html, useEffect, useLoad, useRef } from './page.js'

export const BACKUPS = '/backups'

/** The report, read again every ten seconds, and every second while one is being made; `ended(before, now)` hears when it is done. */
export function useBackups(ended) {
	const { data: report, error, reload } = useLoad(BACKUPS)
	const before = useRef()
	useEffect(() => {
		if (before.current?.making && !report.making) ended?.(before.current, report)
		before.current = report
		// Nobody looks at a hidden tab.
		const look = () => (document.hidden ? wait() : reload())
		let timer
		const wait = () => (timer = setTimeout(look, report?.making ? 1000 : 10_000))
		wait()
		return () => clearTimeout(timer)
	}, [report, error])
	return { report, error, reload }
}

/** What an operator should know, with what may follow it. */
export const Warnings = ({ of, children }) => html`<div role=status>${of.map((text) => html`<p key=${text} class="banner warning">${text} ${children}</p>`)}</div>`
