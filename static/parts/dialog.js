// Dialogs ask; toasts say once what an action did, with the way back where there is one.

import { get, remove } from '../api.js'
import { atField, Field, Form, Secret, useId } from './form.js'
import { html, Icon, useEffect, useLayoutEffect, useRef, useState } from './page.js'
import { named } from './user.js'

let stack = []
let show = () => {}
let serial = 0
let opener = null
const set = (next) => show((stack = next))

/**
 * Opens a form: `body` names what will happen, `act(values)` does it, and what it throws shows in the dialog.
 * With `typed` nothing is done until just that is typed. Without `act` the dialog only tells.
 */
export function ask(question) {
	if (!stack.length) opener = document.activeElement
	set([...stack, { id: ++serial, ...question }])
}

/** Asks whether to take away what is at `path`, and then says what was `said`, with the way back if there is one; `done` goes on. */
export const askToRemove = ({ path, text, said, undo, done, ...question }) => ask({
	danger: true, ...question, body: html`<p>${text}</p>`,
	act: async () => {
		await remove(path)
		done?.()
		toast(said, undo)
	},
})

export function reveal({ title, label, text, note }) {
	ask({ title, submit: 'Done', body: html`<p>${note}</p><${Secret} label=${label} text=${text} />` })
}

function Dialog({ question: { id, title, body, submit, act, danger, typed, wide } }) {
	const dialog = useRef()
	const heading = useId()
	const [text, setText] = useState('')
	const close = () => set(stack.filter((other) => other.id !== id))

	useLayoutEffect(() => {
		const element = dialog.current
		element.showModal()
		const first = element.querySelector('[autofocus], input:not([type=hidden]), select, textarea, .actions button')
		;(first || element.querySelector('h2')).focus()
		// One dialog may follow another; after the last, the focus goes back to what opened the first.
		return () => {
			element.close()
			if (!stack.length && opener?.isConnected) opener.focus()
		}
	}, [])

	const content = typeof body === 'function' ? body(close) : body
	return html`
		<dialog ref=${dialog} class=${wide ? 'wide' : ''} aria-labelledby=${heading}
			onCancel=${(event) => { event.preventDefault(); close() }}
			onMouseDown=${(event) => event.target === dialog.current && !act && close()}>
			<header>
				<h2 id=${heading} tabindex=-1>${title}</h2>
				<button class=bare aria-label=Close onClick=${close}><${Icon} name=close /></button>
			</header>
			${act
				? html`
					<${Form} submit=${submit} danger=${danger} cancel=${close} ready=${!typed || text.trim() === typed}
						act=${async (values, form) => {
							if (typed && text.trim() !== typed) throw atField('typed', 'This is not what stands above.')
							await act(values, form)
							close()
						}}>
						${content}
						${typed && html`<${Field} label=${html`Type ${named(typed)} to confirm`} name=typed value=${text} onInput=${(event) => setText(event.target.value)} />`}
					<//>`
				: html`${content}<div class=actions><button class=primary onClick=${close}>${submit || 'Close'}</button></div>`}
		</dialog>`
}

export function Dialogs() {
	const [questions, set] = useState(stack)
	show = set
	return questions.map((question) => html`<${Dialog} key=${question.id} question=${question} />`)
}

/** No dialog outlives the page that asked. */
export const closeDialogs = () => stack.length && set([])

let toasts = []
let showToasts = () => {}
const setToasts = (next) => showToasts((toasts = next))
const drop = (id) => setToasts(toasts.filter((toast) => toast.id !== id))

/** What names people, and the ways back, go with the session. */
export const clearToasts = () => setToasts([])

/** Says `text`. `undo` takes it back: `act` does, if what is read at `path` (none, one or many) is `still` what the action left. */
export function toast(text, undo, failed) {
	setToasts([...toasts.slice(-2), { id: ++serial, text, undo, failed }])
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
		const now = await Promise.all([undo.path || []].flat().map((path) => get(path)))
		if (!now.every((found) => undo.still(found))) {
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
	const [shown, set] = useState(toasts)
	showToasts = set
	return html`<div class=toasts role=status aria-live=polite>${shown.map((toast) => html`<${Toast} key=${toast.id} toast=${toast} />`)}</div>`
}
