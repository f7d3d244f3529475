import { html, useEffect, useRef, useState } from '../vendor/htm.js'
import { get, query } from '../api.js'
import { Field, useField } from '../parts/form.js'
import { digits, Picture, taken } from '../parts/picture.js'

const plain = new Intl.NumberFormat('en')
const key = (name) => name.normalize('NFKC').toLowerCase()

/** What the server has to say about a name, once the typing pauses. */
function useCheck(username, invite, turn) {
	const [state, set] = useState({})
	useEffect(() => {
		if (!username.trim()) return set({})
		const abort = new AbortController()
		const timer = setTimeout(() => get(query('/usernames/check', { username, invite }), abort.signal).then(
			(answer) => set({ username, answer }),
			(error) => error.name === 'AbortError' || set({ username, error }),
		), 250)
		return () => {
			clearTimeout(timer)
			abort.abort()
		}
	}, [username, turn])
	return state
}

function say({ username: checked, answer, error }, username, mine) {
	if (!username.trim()) return ['1 to 30 characters. Others may have the same name: the discriminator tells you apart.']
	if (checked !== username) return ['Checking …']
	if (error) return [error.message, true]
	if (!answer.allowed) return [answer.errors[0]?.message || 'This name isn’t allowed.', true]
	if (answer.free === null) return ['Allowed.']
	if (answer.free === 0 && !mine) return ['All 9,999 discriminators of this name are taken. Choose another name.', true]
	return [`Allowed. ${answer.holders ? `${plain.format(answer.free)} of its 9,999 discriminators are free.` : 'Nobody has it yet.'}`]
}

/** The fields `username` and `discriminator`, with the picture to choose from; `me` is who has a name already. A new `turn` asks the server again. */
export function Naming({ me, invite, turn }) {
	const [username, setUsername] = useState(me?.username || '')
	const [number, setNumber] = useState(me?.discriminator || '')
	const [at, setAt] = useState(null)
	const fields = useRef(null)
	const check = useCheck(username, invite, turn)
	const mine = me && key(check.answer?.username || '') === key(me.username) ? Number(me.discriminator) : null
	const [said, bad] = say(check, username, mine)
	const { id, described, notes } = useField('username', html`<span role=status class=${bad ? 'error' : ''}>${said}</span>`)

	const bits = username.trim() && !bad && check.answer?.taken
	const wanted = /^\d{4}$/.test(number) && Number(number)
	const isFree = (number) => number === mine || !taken(bits, number)
	const chosen = bits && wanted && isFree(wanted) ? wanted : null
	const kept = me && number === me.discriminator

	function choose(number) {
		if (!isFree(number)) return
		const field = fields.current.querySelector('[name=discriminator]')
		field.value = digits(number)
		// As if it was typed: the form forgets what was wrong with it.
		field.dispatchEvent(new Event('input', { bubbles: true }))
	}

	const hint = !number ? (me ? 'Empty: yours stays, or another is drawn where it is taken.' : 'Four digits. Empty: one is drawn for you.')
		: !bits || !wanted ? 'Four digits, 0001 to 9999.'
		: wanted === mine ? 'Yours now.'
		: chosen ? `Free${kept ? ': you keep it' : ''}.`
		: kept ? 'Taken with this name: another is drawn, unless you choose one.' : 'Taken. Choose another.'
	const read = !at ? 'Point at a square to see its number, click to choose it.'
		: at === mine ? `${digits(at)} is yours.`
		: at === chosen ? `${digits(at)} is chosen.`
		: isFree(at) ? `${digits(at)} is free.` : `${digits(at)} is taken.`

	return html`
		<div class=pair ref=${fields}>
			<div class=field>
				<label for=${id}>Username</label>
				<input name=username type=text maxlength=120 autocomplete=off spellcheck=${false} dir=auto value=${username} ...${described} onInput=${(event) => setUsername(event.target.value)} />
				${notes}
			</div>
			<${Field} label=Discriminator name=discriminator inputmode=numeric maxlength=4 placeholder=${me ? '' : 'drawn'} value=${number} onInput=${(event) => setNumber(event.target.value)} hint=${html`<span role=status>${hint}</span>`} />
		</div>
		${bits && html`
			<div class=numbers>
				<ul class=legend id=legend>
					<li><i class=swatch></i>Free</li>
					<li><i class="swatch taken"></i>Taken</li>
					${mine && html`<li><i class="swatch mine"></i>Yours</li>`}
					${chosen && chosen !== mine && html`<li><i class="swatch chosen"></i>Chosen</li>`}
				</ul>
				<div class=reading>
					<p role=status>${read}</p>
					${at && at !== chosen && isFree(at) && html`<button type=button class=small onClick=${() => choose(at)}>Choose ${digits(at)}</button>`}
				</div>
				<${Picture} bits=${bits} mine=${mine} chosen=${chosen} at=${at} move=${setAt} open=${choose} describedby=legend
					label="Discriminators of this name: rows are the first two digits, columns the last two. Arrow keys move, Enter or Space chooses a free one." />
			</div>`}`
}
