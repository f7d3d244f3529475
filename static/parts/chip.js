import { html } from '../vendor/htm.js'
import { Image, isDeleted, Tag, userAddress } from './user.js'

const segments = new Intl.Segmenter()

/** A combining mark too many must not make a tower of the initial. */
function initials(name) {
	const words = name.trim().split(/\s+/).slice(0, 2)
	return words.map((word) => [...([...segments.segment(word)][0]?.segment ?? '')].slice(0, 2).join('')).join('').toUpperCase()
}

/** The image, or the initials of who has none. */
export function Avatar({ of, size }) {
	if (of.avatar || of.icon) return html`<${Image} of=${of} size=${size} />`
	const gone = isDeleted(of)
	const hue = Number(BigInt(of.id) % 3600n) / 10
	return html`<span class=${`avatar ${gone ? 'gone' : ''}`} style=${{ '--hue': hue.toFixed(1) }} aria-hidden=true>${gone ? '–' : initials(of.username || of.name)}</span>`
}

export function UserChip({ user, plain, ...rest }) {
	const inside = html`<${Avatar} of=${user} /><${Tag} user=${user} />`
	return plain ? html`<span class=chip>${inside}</span>` : html`<a class=chip href=${userAddress(user.id)} ...${rest}>${inside}</a>`
}

export function State({ account }) {
	if (isDeleted(account.user)) return html`<span class="badge deleted">Deleted</span>`
	return account.disabled ? html`<span class="badge disabled" title=${account.reason || undefined}>Disabled</span>` : html`<span class="badge active">Active</span>`
}
