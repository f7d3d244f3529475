// A page: its address in the hash, as `#/users?search=ann`, what it loads, and what it is made of.

export * from '../vendor/htm.js'
import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from '../vendor/htm.js'
import { get, query } from '../api.js'

function current() {
	const [path, search = ''] = location.hash.replace(/^#/, '').split(/\?(.*)/s)
	return {
		hash: location.hash,
		path: path.split('/').filter(Boolean).map(decode),
		query: Object.fromEntries(new URLSearchParams(search)),
	}
}

// A hand-written address may hold a stray percent sign.
function decode(text) {
	try {
		return decodeURIComponent(text)
	} catch {
		return text
	}
}

/** The address of a view. */
export const address = (path, values) => `#${query(path, values)}`

export function go(hash, { replace = false } = {}) {
	if (hash === location.hash) return
	if (!replace) {
		location.hash = hash
		return
	}
	history.replaceState(null, '', hash)
	dispatchEvent(new HashChangeEvent('hashchange'))
}

/** Hears of an event of the window. That of the name `stale` says that what shows may be out of date. */
export const useListener = (name, listener) => useEffect(() => {
	addEventListener(name, listener)
	return () => removeEventListener(name, listener)
}, [listener])

let serial = Date.now()
let visit = {}

export const visited = () => visit

function stamp() {
	const back = history.state?.visit !== undefined
	if (!back) history.replaceState({ visit: ++serial }, '')
	visit = { key: history.state.visit, back }
}

export function useRoute() {
	const [route, set] = useState(() => {
		stamp()
		return current()
	})
	useListener('hashchange', () => {
		stamp()
		set(current())
	})
	return route
}

/** What `path` answers; `reload` asks again and keeps what is there until then, and if it can’t be asked. */
export function useLoad(path) {
	const [state, set] = useState({ path })
	const [turn, next] = useState(0)
	const reload = useCallback(() => next((turn) => turn + 1), [])
	useListener('stale', reload)
	useEffect(() => {
		if (!path) return
		const abort = new AbortController()
		get(path, abort.signal).then(
			(data) => set({ path, data }),
			(error) => error.name === 'AbortError' || set((old) => ({ path, data: old.path === path && error.status !== 404 ? old.data : undefined, error })),
		)
		return () => abort.abort()
	}, [path, turn])
	const { data, error } = state.path === path ? state : {}
	return { data, error, reload, replace: (data) => set({ path, data }) }
}

// On the very first page the focus stays where the browser puts it.
let arrived = false

/** The head of a page, whose heading takes the focus. */
export function Head({ title, text, back, children, note }) {
	const heading = useRef()
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
			<p>${error.status === 404 ? 'There is nothing at this address. It may have been deleted.' : error.message}</p>
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

// Strokes on a grid of 20 by 20.
const PATHS = {
	menu: 'M3 5.5h14M3 10h14M3 14.5h14',
	close: 'M5 5l10 10M15 5 5 15',
	search: 'M8.5 14a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM12.7 12.7 17 17',
	plus: 'M10 4v12M4 10h12',
	copy: 'M7 7h10v10H7ZM13 7V3H3v10h4',
	back: 'M12 4l-6 6 6 6',
	logout: 'M8 3H3v14h5M8 10h9M13.5 6.5 17 10l-3.5 3.5',
	check: 'M4 10.5l4 4 8-9',
}

export const Icon = ({ name, path = PATHS[name] }) => html`<svg class=icon viewBox="0 0 20 20" aria-hidden=true><path d=${path} /></svg>`
