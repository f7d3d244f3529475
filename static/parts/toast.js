// What an action did, said once, with the way back where there is one.

import { html, useEffect, useState } from '../vendor/htm.js'
import { Icon } from './icon.js'

let list = []
let serial = 0
let show = () => {}

const set = (next) => show((list = next))
const drop = (id) => set(list.filter((toast) => toast.id !== id))

/** Says `text`; `undo` is what takes it back. */
export function toast(text, undo) {
	set([...list.slice(-2), { id: ++serial, text, undo }])
}

/** Does what may fail outside a form; the reason shows as a toast. Tells whether it went well. */
export async function attempt(act) {
	try {
		await act()
		return true
	} catch (error) {
		if (!error.fields) console.error(error)
		set([...list.slice(-2), { id: ++serial, text: error.message, failed: true }])
		return false
	}
}

function Toast({ toast: { id, text, undo, failed } }) {
	const [held, hold] = useState(false)
	useEffect(() => {
		if (held) return
		const timer = setTimeout(() => drop(id), undo || failed ? 12_000 : 6000)
		return () => clearTimeout(timer)
	}, [held])
	const back = () => {
		drop(id)
		attempt(async () => {
			await undo()
			toast('Undone.')
		})
	}
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
