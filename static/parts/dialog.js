import { html, useLayoutEffect, useRef, useState, useEffect } from '../vendor/htm.js'
import { remove } from '../api.js'
import { atField, Field, Form, useId } from './form.js'
import { Icon } from './icon.js'
import { toast } from './toast.js'
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

/** Asks whether to take away what is at `path`, and then says what was `said`; `done` reloads. */
export const askToRemove = ({ path, text, said, done, ...question }) => ask({
	danger: true, ...question, body: html`<p>${text}</p>`,
	act: async () => {
		await remove(path)
		done?.()
		toast(said)
	},
})

function Dialog({ question: { id, title, body, submit, act, danger, typed, wide } }) {
	const dialog = useRef(null)
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
	useEffect(() => {
		show = set
	}, [])
	return questions.map((question) => html`<${Dialog} key=${question.id} question=${question} />`)
}

/** No dialog outlives the page that asked. */
export const closeDialogs = () => stack.length && set([])
