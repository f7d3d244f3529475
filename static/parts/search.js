import { html, useEffect, useRef, useState } from '../vendor/htm.js'
import { Icon } from './icon.js'

let look
const coming = new MutationObserver(() => look())

/** Focuses what is at `selector`, as soon as it is there; what is there already may be `stale`. */
export function focusOn(selector, stale) {
	look = () => {
		const found = document.querySelector(selector)
		if (!found) return
		coming.disconnect()
		found.focus()
		found.select?.()
	}
	coming.observe(document.body, { childList: true, subtree: true })
	if (!stale) look()
}

/** A search that `change` hears of when the typing pauses. Escape clears it; Enter and the arrow down go to what is found. */
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
		coming.disconnect()
		setText(next)
		clearTimeout(timer.current)
		timer.current = setTimeout(() => change((said.current = next.trim())), wait)
	}
	function press(event) {
		if (event.key === 'Enter' || event.key === 'ArrowDown') {
			event.preventDefault()
			clearTimeout(timer.current)
			const stale = text.trim() !== said.current
			if (stale) change((said.current = text.trim()))
			focusOn('#main [data-index="0"]', stale)
		} else if (event.key === 'Escape' && text) {
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

export function Choice({ label, value, options, change, disabled }) {
	return html`
		<label class=choice><span>${label}</span>
			<select disabled=${disabled} onChange=${(event) => change(event.target.value)}>
				${options.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === (value || '')}>${text}</option>`)}
			</select>
		</label>`
}
