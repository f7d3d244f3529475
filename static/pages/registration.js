import { put } from '../api.js'
import { attempt, toast } from '../parts/dialog.js'
import { Form } from '../parts/form.js'
import { Invites } from '../parts/invites.js'
import { Card, Head, html, Unread, useLoad, useState } from '../parts/page.js'

const WAYS = [
	['closed', 'Closed', 'Nobody can register. Admins create the accounts. Invites rest until registration is by invite again.'],
	['invite', 'By invite', 'Whoever has an invite link of yours can register, as often as the invite is good for.'],
	['open', 'Open', 'Anybody who reaches this server can register.'],
]

export default function Registration() {
	const { data, replace, ...unread } = useLoad('/registration')
	const [chosen, choose] = useState(null)
	async function apply(way) {
		const before = data.registration
		if (way === before) return
		const set = async (registration) => replace(await put('/registration', { registration }))
		try {
			await set(way)
		} finally {
			choose(null)
		}
		toast(`Registration is now ${label(way)}.`, { path: '/registration', still: ({ registration }) => registration === way, act: () => set(before) })
	}
	// A click means it. The arrow keys pass ways that one doesn't mean: Enter, Space or the button applies.
	const now = (event, meant, way) => {
		if (!meant) return
		event.preventDefault()
		attempt(() => apply(way))
	}
	return html`
		<${Head} title=Registration note="Who can make an account on this server. A choice takes effect at once and survives a restart." />
		${!data ? html`<${Unread} ...${unread} />` : html`
			<div class=columns>
				<div>
					<${Card} title="Who can register">
						<${Form} submit=Apply ready=${chosen && chosen !== data.registration} act=${({ registration }) => apply(registration)}>
							<fieldset class=ways><legend class=unseen>Who can register</legend>
								${WAYS.map(([way, name, text]) => html`
									<label key=${way} class=radio onClick=${(event) => now(event, event.detail, way)}>
										<input type=radio name=registration value=${way} checked=${(chosen || data.registration) === way} onChange=${() => choose(way)} onKeyDown=${(event) => now(event, event.key === ' ', way)} />
										<span>${name}<small class=hint>${text}</small></span></label>`)}
							</fieldset>
						<//>
					<//>
				</div>
				<div>
					<${Invites} title="Invites to this server" given=${data.invites} create="/invites" remove=${(code) => `/invites/${encodeURIComponent(code)}`} to="this server" link=${(code) => `${location.origin}/account#/join/${code}`} />
					${data.registration === 'closed' && data.invites.length > 0 && html`<p class=hint>Registration is closed: these invites admit nobody until it is by invite.</p>`}
				</div>
			</div>`}`
}

const label = (way) => WAYS.find(([key]) => key === way)[1].toLowerCase()
