import { post } from '../api.js'
import { ask, askToRemove, toast } from './dialog.js'
import { Copy, Field, Secret } from './form.js'
import { Card, Empty, html, Unread, useLoad } from './page.js'
import { Time } from './time.js'

const HOURS = [['1', '1 hour'], ['24', '1 day'], ['168', '7 days'], ['720', '30 days'], ['', 'Never']]

const uses = (invite) => (invite.max_uses === null ? `${invite.uses} used, no limit` : `${invite.uses} of ${invite.max_uses} used`)

/**
 * Invites with making and withdrawing: to a community (`endless`: any number of uses goes) or to this server, whose
 * `link(code)` is what one hands out. `given` are invites that are known already.
 */
export function Invites({ title, list, given, create, remove, endless, link, to }) {
	const own = useLoad(list)
	const invites = given || own.data
	const text = (code) => (link ? link(code) : code)

	const make = () => ask({
		title: html`Invite to ${to}`, submit: 'Make the invite',
		body: html`
			<div class=pair>
				<${Field} label=Uses name=max_uses inputmode=numeric defaultValue=1 hint=${endless ? 'Empty: any number.' : 'How many accounts it is good for.'} />
				<${Field} label="Expires after" name=expires_at options=${HOURS} chosen=168 />
			</div>`,
		act: async (values) => {
			const uses = values.max_uses.trim()
			const invite = await post(create, {
				max_uses: uses === '' ? (endless ? null : 1) : /^\d+$/.test(uses) ? Number(uses) : uses,
				expires_at: values.expires_at ? new Date(Date.now() + values.expires_at * 3_600_000).toISOString() : null,
			})
			toast(html`Invite to ${to} made.`)
			ask({ title: html`Invite to ${to}`, submit: 'Done', body: html`<p>Hand it to whom you invite.</p><${Secret} label=${link ? 'Link' : 'Code'} text=${text(invite.code)} />` })
		},
	})
	const withdraw = ({ code }) => askToRemove({
		path: remove(code), title: 'Withdraw the invite', submit: 'Withdraw', said: html`Invite <code>${code}</code> withdrawn.`,
		text: html`The invite <code>${code}</code> to ${to} stops working at once. Who came with it stays.`,
	})

	return html`
		<${Card} title=${title} action=${html`<button class=small onClick=${make}>Make an invite</button>`}>
			${!invites ? html`<${Unread} ...${own} />` : !invites.length ? html`<${Empty} title="No invites.">Make one and hand it out.<//>` : html`
				<ul class=entries aria-label=${title}>
					${invites.map((invite) => html`
						<li key=${invite.code}>
							<div><code>${invite.code}</code><p class=muted>${uses(invite)} · ${invite.expires_at ? html`${new Date(invite.expires_at) < Date.now() ? 'expired' : 'expires'} <${Time} at=${invite.expires_at} />` : 'never expires'}</p></div>
							<div class=buttons>
								<${Copy} text=${text(invite.code)} label=${link ? 'Copy link' : 'Copy'} />
								<button class=small onClick=${() => withdraw(invite)}>Withdraw<span class=unseen> ${invite.code}</span></button>
							</div>
						</li>`)}
				</ul>`}
		<//>`
}
