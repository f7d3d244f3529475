// What an action did, said once, with the way back where there is one.

import { html, useEffect, useState } from '../vendor/htm.js'
import { get } from '../api.js'
import { Icon } from './icon.js'

let list = []
let serial = 0
let show = () => {}

const set = (next) => show((list = next))
const drop = (id) => set(list.filter((toast) => toast.id !== id))

/** What names people, and the ways back, go with the session. */
export const clearToasts = () => set([])

/** Says `text`. `undo` takes it back: `act` does, if what is read at `path` (one or many) is `still` what the action left. */
export function toast(text, undo, failed) {
	set([...list.slice(-2), { id: ++serial, text, undo, failed }])
}

let busy = false

/** Does what may fail outside a form; the reason shows as a toast. One at a time: further clicks do nothing until the server has answered. */
export async function attempt(act) {
	if (busy) return
	busy = true
	document.documentElement.ariaBusy = 'true'
	try {
		await act()
	} catch (error) {
		if (!error.fields) console.error(error)
		// A session that has ended has been told of, by the log-in that shows now.
		if (error.code !== 'unauthorized') toast(error.message, null, true)
	} finally {
		busy = false
		document.documentElement.ariaBusy = null
	}
}

function Toast({ toast: { id, text, undo, failed } }) {
	const [held, hold] = useState(false)
	useEffect(() => {
		if (held) return
		const timer = setTimeout(() => drop(id), undo || failed ? 12_000 : 6000)
		return () => clearTimeout(timer)
	}, [held])
	const back = () => attempt(async () => {
		drop(id)
		const now = await Promise.all([undo.path].flat().map((path) => get(path)))
		if (!now.every(undo.still)) {
			dispatchEvent(new Event('stale'))
			return toast('Changed by somebody else since; nothing was undone.')
		}
		await undo.act()
		toast('Undone.')
	})
	return html`
		<div class=${`toast ${failed ? 'failed' : ''}`} onMouseEnter=${() => hold(true)} onMouseLeave=${() => hold(false)} onfocusin=${() => hold(true)} onfocusout=${() => hold(false)}>
			<p>${text}</p>
			${undo && html`<button class=small onClick=${back}>Undo</button>`}
			<button class=bare aria-label=Dismiss onClick=${() => drop(id)}><${Icon} name=close /></button>
		</div>`
}

export function Toasts() {
	const [toasts, set] = useState(list)
	useEffect(() => {
		show = set
	}, [])
	return html`<div class=toasts role=status aria-live=polite>${toasts.map((toast) => html`<${Toast} key=${toast.id} toast=${toast} />`)}</div>`
}
