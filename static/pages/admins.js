import { post } from '../api.js'
import { ask, askToRemove, reveal, toast } from '../parts/dialog.js'
import { revealLink } from '../parts/edit_user.js'
import { atField, Field, Form, NewPassword } from '../parts/form.js'
import { List } from '../parts/list.js'
import { address, Card, Head, html } from '../parts/page.js'
import { madeAt, Time } from '../parts/time.js'
import { named } from '../parts/user.js'

export default function Admins({ admin: me }) {
	return html`
		<${Head} title="Admins and tokens" note="Admins are not users of the platform. Each of them may do everything that this page offers." />
		<div class=columns>
			<div><${People} me=${me} /><${Password} /></div>
			<div><${Tokens} /></div>
		</div>`
}

function People({ me }) {
	const add = () => ask({
		title: 'Add an admin', submit: 'Add',
		body: html`<p>You get a one-time link with which they choose a password.</p><${Field} label=Name name=name maxlength=60 />`,
		act: async ({ name }) => {
			const made = await post('/admins', { name })
			toast(html`Admin ${named(made.admin.name)} added.`)
			revealLink(named(made.admin.name), made)
		},
	})
	const reset = (admin) => ask({
		title: html`New password link for ${named(admin.name)}`, submit: 'Make the link',
		body: html`<p>Whoever opens the link sets a new password for this admin. It is good for one use and one hour.</p>`,
		act: async () => {
			revealLink(named(admin.name), await post(`/admins/${admin.id}/reset-link`))
			toast(html`Password link made for ${named(admin.name)}.`)
		},
	})
	const take = (admin) => askToRemove({
		path: `/admins/${admin.id}`, title: html`Remove the admin ${named(admin.name)}`, submit: 'Remove', typed: admin.name, said: html`Admin ${named(admin.name)} removed.`,
		text: 'Their sessions and API tokens end at once. What they did stays in the audit log. This can’t be undone.',
	})
	const columns = [
		['Name', 'main', (admin) => html`<a href=${address('/audit', { admin: admin.name })} tabindex=-1><bdi class=name>${admin.name}</bdi></a>${admin.id === me.id && html` <span class=badge>You</span>`}`],
		['Last log-in', 'sub', (admin) => !admin.has_password ? 'has not used the link yet' : admin.last_login ? html`logged in <${Time} at=${admin.last_login} />` : 'never logged in'],
		['Actions', 'end', (admin) => html`<button class=small onClick=${() => reset(admin)}>New link<span class=unseen> for ${admin.name}</span></button>${admin.id !== me.id && html`<button class=small onClick=${() => take(admin)}>Remove<span class=unseen> ${admin.name}</span></button>`}`],
	]
	return html`
		<${Card} title=Admins action=${html`<button class=small onClick=${add}>Add an admin</button>`}>
			<${List} path="/admins" label=Admins columns=${columns} template="1fr 1fr 12rem" embedded empty=${['No admins.', 'Add one above.']} />
		<//>`
}

function Tokens() {
	const create = () => ask({
		title: 'Create an admin API token', submit: 'Create',
		body: html`<p>A script that has it may do what you may do, in your name, until it is revoked.</p><${Field} label="What it is for" name=name maxlength=100 />`,
		act: async ({ name }) => {
			const made = await post('/tokens', { name })
			toast(html`Token ${named(made.name)} created.`)
			reveal({ title: html`Admin API token ${named(made.name)}`, label: 'Token', text: made.token, note: html`Copy it now: it is shown this once. Send it as <code>Authorization: Bearer …</code> to <code>/admin/api</code>.` })
		},
	})
	const revoke = (token) => askToRemove({
		path: `/tokens/${token.id}`, title: html`Revoke ${named(token.name)}`, submit: 'Revoke', said: html`Token ${named(token.name)} revoked.`,
		text: html`Scripts that use this token of <bdi>${token.admin}</bdi> are refused at once. This can’t be undone.`,
	})
	const columns = [
		['Token', 'main', (token) => html`<bdi class=name>${token.name}</bdi>`],
		['Of', 'sub', (token) => html`of <bdi>${token.admin}</bdi>, made <${Time} at=${madeAt(token.id)} />`],
		['Last used', 'sub', (token) => token.last_used ? html`used <${Time} at=${token.last_used} />` : 'never used'],
		['Actions', 'end', (token) => html`<button class=small onClick=${() => revoke(token)}>Revoke<span class=unseen> ${token.name}</span></button>`],
	]
	return html`
		<${Card} title="Admin API tokens" action=${html`<button class=small onClick=${create}>Create a token</button>`}>
			<${List} path="/tokens" label="Admin API tokens" columns=${columns} template="1fr 1.4fr 1fr 6rem" embedded empty=${['No admin API tokens.', 'Create one for a script that works through the API.']} />
		<//>`
}

function Password() {
	async function change(values, form) {
		await post('/password', values).catch((error) => {
			throw error.code === 'invalid_credentials' ? atField('current', 'This is not your current password.') : error
		})
		form.reset()
		toast('Password changed. Your other sessions and your tokens have ended.')
	}
	return html`
		<${Card} title="Your password">
			<${Form} submit="Change the password" act=${change}>
				<${Field} label="Current password" name=current type=password autocomplete=current-password />
				<${NewPassword} name=new hint="Your other sessions and your tokens end with it." />
			<//>
		<//>`
}
