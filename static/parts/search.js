import { html, useEffect, useRef, useState } from '../vendor/htm.js'
import { Icon } from './icon.js'

/** A search that `change` hears of when the typing pauses. Escape clears it. */
export function Search({ value = '', change, label, placeholder }) {
	const [text, setText] = useState(value)
	const timer = useRef(null)
	const said = useRef(value)
	useEffect(() => {
		// The address may change by other means: back, or a link.
		if (value !== said.current) setText((said.current = value))
	}, [value])
	useEffect(() => () => clearTimeout(timer.current), [])

	function type(next, wait = 250) {
		setText(next)
		clearTimeout(timer.current)
		timer.current = setTimeout(() => change((said.current = next.trim())), wait)
	}
	function press(event) {
		if (event.key === 'Enter') type(text, 0)
		else if (event.key === 'Escape' && text) {
			event.preventDefault()
			type('', 0)
		}
	}
	return html`
		<div class=search>
			<${Icon} name=search />
			<input type=search aria-label=${label} placeholder=${placeholder} value=${text} autocomplete=off spellcheck=${false} onInput=${(event) => type(event.target.value)} onKeyDown=${press} />
		</div>`
}

/** A choice in the bar above a list. */
export function Choice({ label, value, options, change, disabled }) {
	return html`
		<label class=choice><span>${label}</span>
			<select disabled=${disabled} onChange=${(event) => change(event.target.value)}>
				${options.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === (value || '')}>${text}</option>`)}
			</select>
		</label>`
}
