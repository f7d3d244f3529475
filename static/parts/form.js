// Forms whose errors show where they belong: at the field that the server names, else above the form.

import { createContext, html, useContext, useRef, useState } from '../vendor/htm.js'

const Errors = createContext({})
let serial = 0

/** An id for a label or a description, the same for as long as the part stands. */
export function useId() {
	const id = useRef(null)
	return (id.current ||= `f${++serial}`)
}

/** `act(values)` does what the form is for; what it throws shows. `submit` is the button's text. */
export function Form({ act, submit, danger, ready = true, cancel, class: name, children }) {
	const [failed, setFailed] = useState(null)
	const [busy, setBusy] = useState(false)
	const form = useRef(null)

	async function send(event) {
		event.preventDefault()
		if (busy || !ready) return
		setBusy(true)
		setFailed(null)
		try {
			await act(Object.fromEntries(new FormData(form.current)), form.current)
		} catch (error) {
			if (!error.fields) console.error(error)
			setFailed(error)
			const first = Object.keys(error.fields || {}).find((field) => form.current?.elements[field])
			const target = first && (form.current.querySelector(`[data-field="${first}"]`) || form.current.elements[first])
			target?.focus?.()
		} finally {
			setBusy(false)
		}
	}

	const fields = failed?.fields || {}
	const homeless = failed && !Object.keys(fields).some((field) => form.current?.elements[field])
	return html`
		<form ref=${form} onSubmit=${send} class=${name} novalidate>
			${homeless && html`<p class=alert role=alert>${failed.message}</p>`}
			<${Errors.Provider} value=${fields}>${children}<//>
			${submit && html`
				<div class=actions>
					${cancel && html`<button type=button class=quiet onClick=${cancel}>Cancel</button>`}
					<button type=submit class=${danger ? 'danger' : 'primary'} aria-busy=${busy ? 'true' : undefined} aria-disabled=${ready ? undefined : 'true'}>${submit}</button>
				</div>`}
		</form>`
}

/** What the form has to say about one field, and how the field refers to it. */
export function useField(name, hint) {
	const id = useId()
	const error = useContext(Errors)[name]
	const about = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
	return {
		id,
		described: { id, 'aria-describedby': about || undefined, 'aria-invalid': error ? 'true' : undefined },
		notes: html`
			${hint && html`<small id=${`${id}-hint`} class=hint>${hint}</small>`}
			${error && html`<small id=${`${id}-error`} class=error role=alert>${error}</small>`}`,
	}
}

/** A labelled input; `options` makes it a choice. */
export function Field({ label, hint, name, options, chosen, class: extra = '', ...rest }) {
	const { id, described, notes } = useField(name, hint)
	return html`
		<div class=${`field ${extra}`}>
			<label for=${id}>${label}</label>
			${options
				? html`<select name=${name} ...${described} ...${rest}>${options.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === chosen}>${text}</option>`)}</select>`
				: html`<input name=${name} type=text autocomplete=off spellcheck=${false} ...${described} ...${rest} />`}
			${notes}
		</div>`
}

/** A box to tick, with its label beside it. */
export function Check({ label, hint, role, ...rest }) {
	const id = useId()
	return html`
		<div class=check>
			<input type=checkbox id=${id} role=${role} aria-describedby=${hint ? `${id}-hint` : undefined} ...${rest} />
			<div>
				<label for=${id}>${label}</label>
				${hint && html`<small id=${`${id}-hint`} class=hint>${hint}</small>`}
			</div>
		</div>`
}
