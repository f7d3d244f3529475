import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from '../vendor/htm.js'
import { get } from '../api.js'
import { Icon } from './icon.js'
import { visited } from './router.js'

/** What `path` answers; `reload` asks again and keeps what is there until then. */
export function useLoad(path) {
	const [state, set] = useState({ path })
	const [turn, next] = useState(0)
	const reload = useCallback(() => next((turn) => turn + 1), [])
	// What an undo found to be out of date is read again.
	useEffect(() => {
		addEventListener('stale', reload)
		return () => removeEventListener('stale', reload)
	}, [])
	useEffect(() => {
		if (!path) return
		const abort = new AbortController()
		get(path, abort.signal).then(
			(data) => set({ path, data }),
			(error) => error.name === 'AbortError' || set({ path, error }),
		)
		return () => abort.abort()
	}, [path, turn])
	const fresh = state.path === path ? state : {}
	return {
		data: fresh.data,
		error: fresh.error,
		reload,
		replace: (data) => set({ path, data }),
	}
}

// On the very first page the focus stays where the browser puts it.
let arrived = false

/** The head of a page, whose heading takes the focus. */
export function Head({ title, text, back, children, note }) {
	const heading = useRef(null)
	useLayoutEffect(() => {
		if (arrived) heading.current.focus({ preventScroll: true })
		if (arrived && !visited().back) scrollTo(0, 0)
		arrived = true
	}, [])
	useEffect(() => {
		document.title = `${text || title} · Saryno`
	}, [text, title])
	return html`
		<header class=head>
			<div>
				${back && html`<a class=back href=${back[0]}><${Icon} name=back />${back[1]}</a>`}
				<h1 ref=${heading} tabindex=-1>${title}</h1>
				${note && html`<p class=note>${note}</p>`}
			</div>
			${children && html`<div class=buttons>${children}</div>`}
		</header>`
}

export const Waiting = () => html`<p class=waiting aria-busy=true>Loading …</p>`

export function Problem({ error, retry }) {
	return html`
		<div class=empty role=alert>
			<p>${error.status === 404 ? 'There is nothing at this address. It may have been deleted.' : Object.values(error.fields || {})[0] || error.message}</p>
			${retry && ![400, 404].includes(error.status) && html`<button onClick=${retry}>Try again</button>`}
		</div>`
}

/** What shows as long as `useLoad` has no data. */
export const Unread = ({ error, reload }) => (error ? html`<${Problem} error=${error} retry=${reload} />` : html`<${Waiting} />`)

export const Facts = ({ rows }) => html`<dl class=facts>${rows.map(([term, what], index) => html`<div key=${index}><dt>${term}</dt><dd>${what}</dd></div>`)}</dl>`

export function Empty({ title, children }) {
	return html`<div class=empty><p class=strong>${title}</p>${children && html`<p>${children}</p>`}</div>`
}

export function Card({ title, children, class: extra = '', action }) {
	return html`
		<section class=${`card ${extra}`}>
			<header><h2>${title}</h2>${action}</header>
			${children}
		</section>`
}
