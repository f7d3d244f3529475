import { html } from '../vendor/htm.js'

export const FLAGS = [['developer', 1, 'Developer', 'Sees the developer tools of the platform.'], ['bot', 10, 'Bot', 'A program, not a person.'], ['system', 11, 'System', 'Speaks for the server itself.']]

export const tag = (user) => `${user.username}#${user.discriminator}`
export const isDeleted = (user) => user.discriminator === '0000'
export const userAddress = (id) => `#/users/${id}`

const segments = new Intl.Segmenter()

/** A combining mark too many must not make a tower of the initial. */
function initials(name) {
	const words = name.trim().split(/\s+/).slice(0, 2)
	return words.map((word) => [...([...segments.segment(word)][0]?.segment ?? '')].slice(0, 2).join('')).join('').toUpperCase()
}

export function Avatar({ id, name, gone }) {
	const hue = Number(BigInt(id) % 3600n) / 10
	return html`<span class=${`avatar ${gone ? 'gone' : ''}`} style=${{ '--hue': hue.toFixed(1) }} aria-hidden=true>${gone ? '–' : initials(name)}</span>`
}

/** The name alone is isolated, so that the number follows a right-to-left one, and gives way where room is short. */
export function Tag({ user }) {
	return html`<span class=tag><bdi class=name>${user.username}</bdi><span class=discriminator>#${user.discriminator}</span></span>`
}

export const called = (user) => html`<${Tag} user=${user} />`

/** A name in running text, which may be a tag. */
export function named(name) {
	const [, username, discriminator] = /^(.+)#(\d{4})$/s.exec(name) || []
	return discriminator ? called({ username, discriminator }) : html`<bdi class=quoted>${name}</bdi>`
}

export function UserChip({ user, plain, ...rest }) {
	const inside = html`<${Avatar} id=${user.id} name=${user.username} gone=${isDeleted(user)} /><${Tag} user=${user} />`
	return plain ? html`<span class=chip>${inside}</span>` : html`<a class=chip href=${userAddress(user.id)} ...${rest}>${inside}</a>`
}

export function Flags({ user }) {
	return FLAGS.filter(([, bit]) => user.flags.includes(bit)).map(([name, , label]) => html`<span key=${name} class=${`badge ${name}`}>${label}</span>`)
}

export function State({ account }) {
	if (isDeleted(account.user)) return html`<span class="badge deleted">Deleted</span>`
	return account.disabled ? html`<span class="badge disabled" title=${account.reason || undefined}>Disabled</span>` : html`<span class="badge active">Active</span>`
}
