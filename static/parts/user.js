import { html } from '../vendor/htm.js'

export const FLAGS = [['developer', 1, 'Developer', 'Sees the developer tools of the platform.'], ['bot', 10, 'Bot', 'A program, not a person.'], ['system', 11, 'System', 'Speaks for the server itself.']]

export const tag = (user) => `${user.username}#${user.discriminator}`
export const isDeleted = (user) => user.discriminator === '0000'
export const userAddress = (id) => `#/users/${id}`

/** The image of a user or a community; for who has none, the one that is drawn from the id. */
export const Image = ({ of: { id, username, avatar, icon }, size = 64 }) =>
	html`<img class=avatar src=${`../${username ? 'avatars' : 'icons'}/${id}/${avatar || icon || 'default'}.png?size=${size}`} alt="" />`

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

export function Flags({ user }) {
	return FLAGS.filter(([, bit]) => user.flags.includes(bit)).map(([name, , label]) => html`<span key=${name} class=${`badge ${name}`}>${label}</span>`)
}
