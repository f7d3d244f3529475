import { get, query } from '../api.js'
import { UserChip } from './chip.js'
import { Choice, useField } from './form.js'
import { html, Icon, useEffect, useRef, useState } from './page.js'
import { isDeleted, tag } from './user.js'

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
	const timer = useRef()
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

/** In which order a list comes; what was searched for comes by name. */
export const Order = ({ query, change }) => html`
	<${Choice} label=Order value=${query.search ? '' : query.order} disabled=${Boolean(query.search)} change=${(order) => change({ order })}
		options=${query.search ? [['', 'By name']] : [['', 'Newest first'], ['oldest', 'Oldest first']]} />`

/** A field `name` that holds the id of the user who was picked; `pick(user)` hears of it. */
export function UserPicker({ label, hint, name = 'user', pick, clear }) {
	const { id, described, notes } = useField(name, hint)
	const [text, setText] = useState('')
	const [user, setUser] = useState(null)
	const [found, setFound] = useState(null)
	const [at, setAt] = useState(0)
	const box = useRef()

	useEffect(() => {
		if (!text.trim() || user) return setFound(null)
		const abort = new AbortController()
		const timer = setTimeout(async () => {
			try {
				const accounts = await get(query('/users', { search: text.trim(), limit: 8 }), abort.signal)
				setFound(accounts.map(({ user }) => user).filter((user) => !isDeleted(user)))
				setAt(0)
			} catch (error) {
				if (error.name !== 'AbortError') setFound([])
			}
		}, 200)
		return () => {
			clearTimeout(timer)
			abort.abort()
		}
	}, [text, user])

	function choose(user) {
		setFound(null)
		setUser(clear ? null : user)
		setText(clear ? '' : tag(user))
		pick?.(user)
	}
	function press(event) {
		if (!found) return
		if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1))
		else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
		else if (event.key === 'Enter' && found[at]) choose(found[at])
		else if (event.key === 'Escape') setFound(null)
		else return
		event.preventDefault()
		event.stopPropagation()
	}

	const open = Boolean(found)
	return html`
		<div class="field picker">
			<label for=${id}>${label}</label>
			<input ref=${box} type=text ...${described} data-field=${name} role=combobox aria-autocomplete=list aria-expanded=${open} aria-controls=${`${id}-list`}
				aria-activedescendant=${open && found.length ? `${id}-${at}` : undefined} autocomplete=off spellcheck=${false} placeholder="Name, name#0001 or id" value=${text}
				onInput=${(event) => { setText(event.target.value); setUser(null) }} onKeyDown=${press} onBlur=${() => setFound(null)} />
			<input type=hidden name=${name} value=${user ? user.id : ''} />
			<ul id=${`${id}-list`} role=listbox aria-label="Users found" hidden=${!open || !found.length}>
				${found?.map((user, index) => html`
					<li key=${user.id} id=${`${id}-${index}`} role=option aria-selected=${index === at} onMouseDown=${(event) => { event.preventDefault(); choose(user) }}>
						<${UserChip} user=${user} plain />
					</li>`)}
			</ul>
			<small class=hint role=status>${open && !found.length ? 'Nobody is called so.' : ''}</small>
			${notes}
		</div>`
}
