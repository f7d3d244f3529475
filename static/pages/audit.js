import { query as withQuery } from '../api.js'
import { ask } from '../parts/dialog.js'
import { Choice } from '../parts/form.js'
import { List } from '../parts/list.js'
import { address, Facts, go, Head, html } from '../parts/page.js'
import { Search } from '../parts/search.js'
import { exactly, Time, When } from '../parts/time.js'
import { FLAGS, named } from '../parts/user.js'

const flag = (bit) => FLAGS.find(([, number]) => number === bit)?.[2] ?? String(bit)

function flags({ it, before, after }) {
	const [was, is] = [before?.flags || [], after?.flags || []]
	const set = is.filter((bit) => !was.includes(bit)).map(flag)
	const cleared = was.filter((bit) => !is.includes(bit)).map(flag)
	const parts = [set.length && `set ${set.join(', ')}`, cleared.length && `cleared ${cleared.join(', ')}`].filter(Boolean)
	return html`${parts.join(' and ') || 'changed the flags'} on ${it}`
}

function disabled({ it, after }) {
	return html`disabled ${it}${after?.reason ? html`: “<bdi>${after.reason}</bdi>”` : ''}`
}

const image = (kind) => ({ it, after }) => html`${after?.[kind] ? 'set' : 'removed'} the ${kind} of ${it}`

function community({ it, before, after }) {
	if (before?.owner_id !== after?.owner_id) return html`handed ${it} over to ${named(after?.owner)}`
	if (after?.icon !== undefined && before?.name === after.name) return image('icon')({ it, after })
	return html`renamed the community ${named(before?.name)} to ${named(after?.name)}`
}

const renamed = ({ before, after }) => html`renamed ${named(before?.tag)} to ${named(after?.tag)}`
const added = ({ it, after }) => html`added ${named(after?.member)} to ${it}`
const removed = ({ it, before }) => html`removed ${named(before?.member)} from ${it}`
const just = (text) => () => text

/** Every action: what it is called in the filter, and its sentence, or what stands before its target. */
const ACTIONS = {
	'user.create': ['User created', 'created'],
	'user.rename': ['User renamed', renamed],
	'user.avatar': ['Avatar changed', image('avatar')],
	'user.flags': ['Flags changed', flags],
	'user.disable': ['User disabled', disabled],
	'user.enable': ['User enabled', 'enabled'],
	'user.delete': ['User deleted', 'deleted'],
	'user.token': ['Token issued', 'issued a token for'],
	'user.session_end': ['Session ended', 'ended a session of'],
	'user.sessions_end': ['All sessions ended', 'ended all sessions of'],
	'user.reset_link': ['Reset link made', 'made a password-reset link for'],
	'community.create': ['Community created', 'created the community'],
	'community.change': ['Community changed', community],
	'community.delete': ['Community deleted', 'deleted the community'],
	'community.member_add': ['Member added', added],
	'community.member_remove': ['Member removed', removed],
	'community.invite': ['Community invite made', 'made an invite to'],
	'community.invite_withdraw': ['Community invite withdrawn', 'withdrew an invite to'],
	'registration.set': ['Registration set', ({ after }) => `set the registration to ${after?.registration ?? '?'}`],
	'invite.create': ['Server invite made', just('made an invite to this server')],
	'invite.remove': ['Server invite withdrawn', just('withdrew an invite to this server')],
	'admin.set_up': ['Server set up', just('set up this server')],
	'admin.log_in': ['Admin logged in', just('logged in')],
	'admin.log_out': ['Admin logged out', just('logged out')],
	'admin.password': ['Admin password changed', just('changed their password')],
	'admin.create': ['Admin added', 'added the admin'],
	'admin.reset_link': ['Admin link made', 'made a password link for the admin'],
	'admin.remove': ['Admin removed', 'removed the admin'],
	'backup.make': ['Backup made', 'made the backup'],
	'backup.download': ['Backup downloaded', 'downloaded the backup'],
	'backup.restore': ['Backup restored', 'restored the backup'],
	'token.create': ['API token created', 'created the API token'],
	'token.revoke': ['API token revoked', 'revoked the API token'],
}

function Sentence({ entry }) {
	const [, say] = ACTIONS[entry.action] || ['', () => entry.action]
	const it = named(entry.target?.name)
	return html`<span class=sentence><b><bdi>${entry.admin.name}</bdi></b> ${typeof say === 'string' ? html`${say} ${it}` : say({ ...entry, it })}</span>`
}

function targetAddress(target) {
	if (!target?.id) return null
	return { user: `#/users/${target.id}`, community: `#/communities/${target.id}` }[target.kind] || null
}

const OPTIONS = [['', 'Everything'], ...Object.entries(ACTIONS).map(([key, [label]]) => [key, label])]

const shown = (value, key) => {
	if (['avatar', 'icon'].includes(key)) return value?.slice(0, 8) || 'none'
	if (value === null || value === undefined || value.length === 0) return '–'
	if (Array.isArray(value)) return value.map((one) => shown(one)).join(', ')
	return typeof value === 'object' ? Object.entries(value).map(([key, value]) => `${key} ${shown(value)}`).join(' · ') : String(value)
}

function Details({ entry, close }) {
	const { before, after, target } = entry
	const keys = [...new Set([...Object.keys(before || {}), ...Object.keys(after || {})])]
	const link = targetAddress(target)
	return html`
		<p><${Sentence} entry=${entry} /></p>
		<${Facts} rows=${[
			['When', html`<${When} at=${entry.at} />`],
			['From', entry.address ? html`<span class=mono>${entry.address}</span>` : 'this machine'],
			['Via', html`<bdi>${entry.via}</bdi>`],
			['Action', html`<code>${entry.action}</code>`],
			...(target ? [['Target', html`${link ? html`<a href=${link} onClick=${close}>${named(target.name)}</a>` : named(target.name)}${target.id && html` <span class="mono muted">${target.id}</span>`}`]] : []),
		]} />
		${keys.length > 0 && html`
			<table class=diff>
				<thead><tr><th scope=col>What</th><th scope=col>Before</th><th scope=col>After</th></tr></thead>
				<tbody>${keys.map((key) => {
					const [was, is] = [shown(before?.[key], key), shown(after?.[key], key)]
					return html`<tr key=${key} class=${was === is ? '' : 'changed'}><th scope=row>${key}</th><td>${named(was)}</td><td>${named(is)}</td></tr>`
				})}</tbody>
			</table>`}
		${target?.id && html`<p><a href=${address('/audit', { target: target.id })} onClick=${close}>Everything about this ${target.kind}</a></p>`}`
}

const COLUMNS = [
	['What', 'main', (entry) => html`<button class=link tabindex=-1 onClick=${() => open(entry)}><${Sentence} entry=${entry} /></button>`],
	['When', 'sub', ({ at }) => html`<span class=exact>${exactly(at)}</span> <${Time} at=${at} />`],
	['From', 'sub', (entry) => html`<span class=mono>${entry.address || 'this machine'}</span>`],
	['Via', 'end', ({ via }) => html`<span class=badge><bdi>${via}</bdi></span>`],
]

const open = (entry) => ask({ title: ACTIONS[entry.action]?.[0] || entry.action, wide: true, body: (close) => html`<${Details} entry=${entry} close=${close} />` })

export default function Audit({ query }) {
	const change = (values) => go(address('/audit', { ...query, ...values }), { replace: true })
	const filtered = query.admin || query.action || query.target
	return html`
		<${Head} title="Audit log" note="What admins did, on this page, through the API and on the command line. Entries are only ever added." />
		<div class=bar>
			<${Search} value=${query.admin} label=Admin placeholder="Name of an admin" change=${(admin) => change({ admin })} />
			<${Search} value=${query.target} label=Target placeholder="Id of what was acted on" change=${(target) => change({ target })} />
			<${Choice} label=Action value=${query.action} options=${OPTIONS} change=${(action) => change({ action })} />
		</div>
		<${List} path=${withQuery('/audit', { admin: query.admin, action: query.action, target: query.target, limit: 100 })} label="Audit log" columns=${COLUMNS} rows=${[48, 80]} narrow=${800}
			template="minmax(14rem, 2.4fr) minmax(18.5rem, 1fr) minmax(8rem, 0.5fr) minmax(8rem, 0.8fr)" open=${open}
			empty=${filtered
				? ['Nothing in the log matches.', html`Admin is a whole name, target a whole id. <button onClick=${() => change({ admin: '', action: '', target: '' })}>Show everything</button>`]
				: ['The log is empty.', 'Every change that an admin makes shows here.']} />`
}
