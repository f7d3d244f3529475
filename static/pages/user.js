import { patch, post } from '../api.js'
import { Avatar, State } from '../parts/chip.js'
import { ask, askToRemove, attempt, toast } from '../parts/dialog.js'
import { deeds } from '../parts/deeds.js'
import { rename, revealLink, revealToken, TagFields } from '../parts/edit_user.js'
import { Check, Field, Form, Id } from '../parts/form.js'
import { List } from '../parts/list.js'
import { Channels, Communities } from '../parts/lists.js'
import { address, Card, Facts, Head, html, Unread, useLoad } from '../parts/page.js'
import { madeAt, Time, When } from '../parts/time.js'
import { called, Flags, FLAGS, isDeleted, Tag, tag } from '../parts/user.js'

const BACK = ['#/users', 'Users']

export default function User({ id }) {
	const { data, ...unread } = useLoad(`/users/${encodeURIComponent(id)}`)
	if (!data) return html`<${Head} title=User back=${BACK} /><${Unread} ...${unread} />`
	const { user } = data
	const gone = isDeleted(user)
	const title = html`<span class=identity><${Avatar} of=${user} size=128 /><${Tag} user=${user} /></span>`

	return html`
		<${Head} title=${title} text=${tag(user)} back=${BACK} note=${html`<${State} account=${data} /> <${Flags} user=${user} />`}>
			<a class=button href=${address('/audit', { target: user.id })}>Audit log of this user</a>
			${!gone && html`<a class=button href=${address('/names', { username: user.username, user: user.id })}>Discriminators of this name</a>`}
		<//>
		${gone && html`<p class=banner>This account was deleted. What is left is a tombstone, so that old conversations keep a name; nothing can be done with it.</p>`}
		${!gone && data.disabled && html`<p class="banner warning"><span>Disabled${data.reason ? html`: <bdi>${data.reason}</bdi>` : ', without a reason.'}</span></p>`}
		<div class="columns three" key=${gone}>
			<div>
				<${Identity} ...${data} />
				${!gone && html`<${Rename} key=${tag(user)} user=${user} /><${Switches} data=${data} />`}
			</div>
			<div>
				${!gone && html`<${Access} user=${user} />`}
				<${Card} title=Communities>
					<${Communities} path=${`/users/${user.id}/communities?limit=10`} owner=${user.id} embedded empty=${['In no community.', 'A community’s page adds members.']} />
				<//>
				${!gone && html`<${Danger} data=${data} />`}
			</div>
			<div>
				<${Card} title="DMs and groups">
					<${Channels} path=${`/users/${user.id}/channels?limit=10`} of=${user.id} embedded empty=${['No DMs and no groups.', 'People open them in their client.']} />
				<//>
			</div>
		</div>`
}

function Identity({ user, made, password }) {
	const strip = () => ask({
		title: html`Remove the avatar of ${called(user)}`, submit: 'Remove', danger: true,
		body: html`<p>They may set another.</p>`,
		act: async () => {
			await patch(`/users/${user.id}`, { avatar: null })
			toast(html`Avatar of ${called(user)} removed.`)
		},
	})
	return html`
		<${Card} title=Identity>
			<${Facts} rows=${[
				['Id', html`<${Id} id=${user.id} />`],
				['Made', html`<${When} at=${made.at} />`],
				['Made by worker', made.worker === 1023 ? '1023, the command line' : made.worker],
				['Sequence', made.sequence],
				['Log-in', password ? 'With a password' : 'No password set'],
				...(user.avatar ? [['Avatar', html`<button class=small onClick=${strip}>Remove avatar</button>`]] : []),
			]} />
		<//>`
}

function Rename({ user }) {
	async function send(values) {
		const change = {}
		if (values.username !== user.username) change.username = values.username
		if (values.discriminator !== user.discriminator) change.discriminator = values.discriminator
		if (!Object.keys(change).length) return toast('The tag is the same as before.')
		await rename(user, change)
	}
	return html`
		<${Card} title="Name and discriminator">
			<${Form} submit=Rename act=${send}>
				<${TagFields} username=${user.username} discriminator=${user.discriminator} />
				<p class=hint>A name alone keeps the discriminator where it is free and draws another where it isn’t. <a href=${address('/names', { username: user.username, user: user.id })}>Pick one in the picture</a></p>
			<//>
		<//>`
}

function Switches({ data }) {
	const { setFlag } = deeds([data])
	return html`
		<${Card} title=Flags>
			${FLAGS.map(([name, bit, label, text]) => {
				const on = data.user.flags.includes(bit)
				return html`<${Check} key=${name} role=switch label=${label} hint=${text} checked=${on} onClick=${(event) => { event.preventDefault(); attempt(() => setFlag(name, !on)) }} />`
			})}
		<//>`
}

function Access({ user }) {
	const who = called(user)
	const base = `/users/${user.id}`
	const path = `${base}/sessions`
	const end = (session) => askToRemove({
		path: `${path}/${session.id}`, title: 'End this session', submit: 'End it', said: html`Session of ${who} ended.`,
		text: html`The token of ${session.name ? html`“<bdi>${session.name}</bdi>”` : 'this session'} of ${who} stops working at once.`,
	})
	const endAll = () => askToRemove({
		path, title: html`End all sessions of ${who}`, submit: 'End all', said: html`All sessions of ${who} ended.`,
		text: 'Every device and every bot that uses this account is logged out at once and needs a new token.',
	})
	const issue = () => ask({
		title: html`Issue a token for ${who}`, submit: 'Issue the token',
		body: html`<p>A token admits whoever has it to this account, until its session is ended below.</p><${Field} label="Name of the token" name=name maxlength=100 hint="Optional; it shows in the list of sessions." />`,
		act: async ({ name }) => {
			const { token } = await post(`${base}/tokens`, { name: name || undefined })
			toast(html`Token issued for ${who}.`)
			revealToken(user, token)
		},
	})
	const reset = () => ask({
		title: html`Password-reset link for ${who}`, submit: 'Make the link',
		body: html`<p>Whoever opens the link chooses a new password for this account. It is good for one use and one hour; an earlier one stops working.</p>`,
		act: async () => {
			revealLink(who, await post(`${base}/reset-link`))
			toast(html`Reset link made for ${who}.`)
		},
	})
	const columns = [
		['Session', 'main', (session) => (session.name ? html`<bdi>${session.name}</bdi>` : html`<span class=muted>Without a name</span>`)],
		['Begun', 'sub', (session) => html`begun <${Time} at=${madeAt(session.id)} />`],
		['Last used', 'sub', (session) => session.last_used ? html`used <${Time} at=${session.last_used} />` : 'never used'],
		['Actions', 'end', (session) => html`<button class=small onClick=${() => end(session)}>End<span class=unseen> ${session.name || 'this session'}</span></button>`],
	]
	return html`
		<${Card} title="Sessions and tokens" action=${html`<div class=buttons>
				<button class=small onClick=${issue}>Issue a token</button>
				<button class=small onClick=${reset}>Reset link</button>
				<button class=small onClick=${endAll}>End all</button>
			</div>`}>
			<${List} path=${`${path}?limit=10`} label=Sessions columns=${columns} template="2fr 1fr 1fr 5rem" embedded
				empty=${['No sessions.', 'Nobody is logged in to this account. A token or a reset link lets somebody in.']} />
		<//>`
}

function Danger({ data }) {
	const { enableNow, disable, erase } = deeds([data])
	return html`
		<${Card} title="Disable or delete" class=dangerous>
			<div class=deed>
				${data.disabled
					? html`<p>The account is disabled. Enabling it lets its tokens and its password work again.</p><button onClick=${() => attempt(enableNow)}>Enable</button>`
					: html`<p>Disabling stops all tokens at once and can be taken back.</p><button onClick=${disable}>Disable …</button>`}
			</div>
			<div class=deed>
				<p>Deleting leaves a tombstone and can’t be taken back.</p>
				<button class=danger onClick=${erase}>Delete …</button>
			</div>
		<//>`
}
