import { html, useRef, useState } from '../vendor/htm.js'
import { ask } from './dialog.js'
import { useId } from './form.js'
import { Icon } from './icon.js'

export function Copy({ text, label = 'Copy', source }) {
	const [done, set] = useState(false)
	async function copy() {
		try {
			await navigator.clipboard.writeText(text)
		} catch {
			// Over plain http there is no clipboard API: the field is selected, and the old command may do it.
			source?.current?.select()
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
	const source = useRef(null)
	return html`
		<div class=field>
			<label for=${id}>${label}</label>
			<div class=secret>
				<input id=${id} ref=${source} readonly value=${text} class=mono onFocus=${(event) => event.target.select()} />
				<${Copy} text=${text} source=${source} />
			</div>
		</div>`
}

export function reveal({ title, label, text, note }) {
	ask({ title, submit: 'Done', body: html`<p>${note}</p><${Secret} label=${label} text=${text} />` })
}
