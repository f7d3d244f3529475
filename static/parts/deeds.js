import { html } from '../vendor/htm.js'
import { FLAGS, named } from './user.js'

const flag = (bit) => FLAGS.find(([, number]) => number === bit)?.[2] ?? String(bit)

function flags({ target, before, after }) {
	const [was, is] = [before?.flags || [], after?.flags || []]
	const set = is.filter((bit) => !was.includes(bit)).map(flag)
	const cleared = was.filter((bit) => !is.includes(bit)).map(flag)
	const parts = [set.length && `set ${set.join(', ')}`, cleared.length && `cleared ${cleared.join(', ')}`].filter(Boolean)
	return html`${parts.join(' and ') || 'changed the flags'} on ${named(target?.name)}`
}

function disabled({ target, after }) {
	return html`disabled ${named(target?.name)}${after?.reason ? html`: “<bdi>${after.reason}</bdi>”` : ''}`
}

function community({ target, before, after }) {
	if (before?.owner_id !== after?.owner_id) return html`handed ${named(target?.name)} over to ${named(after?.owner)}`
	return html`renamed the community ${named(before?.name)} to ${named(after?.name)}`
}

const renamed = ({ before, after }) => html`renamed ${named(before?.tag)} to ${named(after?.tag)}`
const added = ({ target, after }) => html`added ${named(after?.member)} to ${named(target?.name)}`
const removed = ({ target, before }) => html`removed ${named(before?.member)} from ${named(target?.name)}`
const on = (text) => ({ target }) => html`${text} ${named(target?.name)}`
const just = (text) => () => text

/** Every action: what it is called in the filter, and its sentence. */
export const ACTIONS = {
	'user.create': ['User created', on('created')],
	'user.rename': ['User renamed', renamed],
	'user.flags': ['Flags changed', flags],
	'user.disable': ['User disabled', disabled],
	'user.enable': ['User enabled', on('enabled')],
	'user.delete': ['User deleted', on('deleted')],
	'user.token': ['Token issued', on('issued a token for')],
	'user.session_end': ['Session ended', on('ended a session of')],
	'user.sessions_end': ['All sessions ended', on('ended all sessions of')],
	'user.reset_link': ['Reset link made', on('made a password-reset link for')],
	'community.create': ['Community created', on('created the community')],
	'community.change': ['Community changed', community],
	'community.delete': ['Community deleted', on('deleted the community')],
	'community.member_add': ['Member added', added],
	'community.member_remove': ['Member removed', removed],
	'community.invite': ['Community invite made', on('made an invite to')],
	'community.invite_withdraw': ['Community invite withdrawn', on('withdrew an invite to')],
	'registration.set': ['Registration set', ({ after }) => `set the registration to ${after?.registration ?? '?'}`],
	'invite.create': ['Server invite made', just('made an invite to this server')],
	'invite.remove': ['Server invite withdrawn', just('withdrew an invite to this server')],
	'admin.set_up': ['Server set up', just('set up this server')],
	'admin.log_in': ['Admin logged in', just('logged in')],
	'admin.log_out': ['Admin logged out', just('logged out')],
	'admin.password': ['Admin password changed', just('changed their password')],
	'admin.create': ['Admin added', on('added the admin')],
	'admin.reset_link': ['Admin link made', on('made a password link for the admin')],
	'admin.remove': ['Admin removed', on('removed the admin')],
	'token.create': ['API token created', on('created the API token')],
	'token.revoke': ['API token revoked', on('revoked the API token')],
}

export function Sentence({ entry }) {
	const [, say] = ACTIONS[entry.action] || ['', () => entry.action]
	return html`<span class=sentence><b><bdi>${entry.admin.name}</bdi></b> ${say(entry)}</span>`
}

export function targetAddress(target) {
	if (!target?.id) return null
	return { user: `#/users/${target.id}`, community: `#/communities/${target.id}` }[target.kind] || null
}
