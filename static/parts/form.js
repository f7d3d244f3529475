// Errors show at the field that the server names, else above the form.

import { createContext, html, Icon, useContext, useRef, useState } from './page.js'

const Errors = createContext({})
let serial = 0

/** An error to show at a field. */
export const atField = (name, message) => Object.assign(new Error(message), { fields: { [name]: message } })

/** An id that stays. */
export function useId() {
	const id = useRef()
	return (id.current ||= `f${++serial}`)
}

/** `act(values)` does what the form is for; what it throws shows. `submit` is the button's text, dimmed until `ready`. */
export function Form({ act, submit, danger, ready = true, cancel, class: name, children }) {
	const [failed, setFailed] = useState(null)
	const [busy, setBusy] = useState(false)
	const form = useRef()

	async function send(event) {
		event.preventDefault()
		if (busy) return
		setBusy(true)
		setFailed(null)
		try {
			await act(Object.fromEntries(new FormData(form.current)), form.current)
		} catch (error) {
			if (!error.fields) console.error(error)
			setFailed(error)
			const faulty = ({ type, name, dataset }) => type !== 'hidden' && error.fields?.[dataset.field || name]
			;[...(form.current?.elements || [])].find(faulty)?.focus()
		} finally {
			setBusy(false)
		}
	}

	const fields = failed?.fields || {}
	// What is being corrected is no longer at fault.
	const correct = ({ target: { name } }) => fields[name] && setFailed({ ...failed, fields: { ...fields, [name]: '' } })
	const homeless = failed && !Object.keys(fields).some((field) => form.current?.elements[field])
	return html`
		<form ref=${form} onSubmit=${send} onInput=${correct} class=${name} novalidate>
			${homeless && html`<p class=alert role=alert>${failed.message}</p>`}
			<${Errors.Provider} value=${fields}>${children}<//>
			${submit && html`
				<div class=actions>
					${cancel && html`<button type=button class=quiet onClick=${cancel}>Cancel</button>`}
					<button type=submit class=${danger ? 'danger' : 'primary'} aria-busy=${busy} aria-disabled=${!ready}>${submit}</button>
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
		described: { id, 'aria-describedby': about || undefined, 'aria-invalid': Boolean(error) || undefined },
		notes: html`
			${hint && html`<small id=${`${id}-hint`} class=hint>${hint}</small>`}
			${error && html`<small id=${`${id}-error`} class=error role=alert>${error}</small>`}`,
	}
}

/** A labelled input; `options` makes it a choice. */
export function Field({ label, hint, name, options, chosen, ...rest }) {
	const { id, described, notes } = useField(name, hint)
	return html`
		<div class=field>
			<label for=${id}>${label}</label>
			${options
				? html`<select name=${name} ...${described} ...${rest}>${options.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === chosen}>${text}</option>`)}</select>`
				: html`<input name=${name} type=text autocomplete=off spellcheck=${false} ...${described} ...${rest} />`}
			${notes}
		</div>`
}

/** A password to be chosen, which may be looked at. */
export function NewPassword({ label = 'New password', name = 'password', hint = '' }) {
	const [shown, show] = useState(false)
	return html`
		<${Field} label=${label} name=${name} type=${shown ? 'text' : 'password'} autocomplete=new-password hint=${`8 characters or more. ${hint}`} />
		<${Check} label="Show the password" checked=${shown} onChange=${() => show(!shown)} />`
}

export function Check({ label, hint, name, ...rest }) {
	const { id, described, notes } = useField(name, hint)
	return html`
		<div class=check>
			<input type=checkbox name=${name} ...${described} ...${rest} />
			<div><label for=${id}>${label}</label>${notes}</div>
		</div>`
}

/** A choice outside of a form, which takes effect at once. */
export function Choice({ label, value, options, change, disabled }) {
	return html`
		<label class=choice><span>${label}</span>
			<select disabled=${disabled} onChange=${(event) => change(event.target.value)}>
				${options.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === (value || '')}>${text}</option>`)}
			</select>
		</label>`
}

/** A button that opens the choice of an image; `choose` gets the file. */
export function File({ label, choose }) {
	const take = ({ target }) => {
		choose(target.files[0])
		// So that the same one may be chosen again.
		target.value = ''
	}
	return html`<label class="button small">${label}<input type=file accept="image/*" onChange=${take} /></label>`
}

export function Copy({ text, label = 'Copy' }) {
	const [done, set] = useState(false)
	async function copy({ currentTarget }) {
		const field = currentTarget.previousElementSibling
		try {
			await navigator.clipboard.writeText(text)
		} catch {
			// Over plain http the old command asks what to copy; some browsers want a selection.
			field?.select?.()
			addEventListener('copy', (event) => {
				event.clipboardData.setData('text/plain', text)
				event.preventDefault()
			}, { once: true })
			document.execCommand('copy')
		}
		set(true)
		setTimeout(() => set(false), 2000)
	}
	return html`<button type=button class=small onClick=${copy}><${Icon} name=${done ? 'check' : 'copy'} /><span aria-live=polite>${done ? 'Copied' : label}</span></button>`
}

export const Id = ({ id }) => html`<span class=mono>${id}</span> <${Copy} text=${id} />`

export function Secret({ label, text }) {
	const id = useId()
	return html`
		<div class=field>
			<label for=${id}>${label}</label>
			<div class=secret>
				<input id=${id} readonly value=${text} class=mono onFocus=${(event) => event.target.select()} />
				<${Copy} text=${text} />
			</div>
		</div>`
}
