import { html } from '../vendor/htm.js'
import { put } from '../api.js'
import { Invites } from '../parts/invites.js'
import { Card, Head, Problem, useLoad, Waiting } from '../parts/load.js'
import { attempt, toast } from '../parts/toast.js'

const WAYS = [
	['closed', 'Closed', 'Nobody can register. Admins create the accounts. Invites rest until registration is by invite again.'],
	['invite', 'By invite', 'Whoever has an invite link of yours can register, as often as the invite is good for.'],
	['open', 'Open', 'Anybody who reaches this server can register.'],
]

export default function Registration() {
	const { data, error, reload, replace } = useLoad('/registration')
	const choose = (way) => attempt(async () => {
		const before = data.registration
		const set = async (registration) => replace(await put('/registration', { registration }))
		await set(way)
		toast(`Registration is now ${label(way)}.`, () => set(before))
	})
	return html`
		<${Head} title=Registration note="Who can make an account on this server. A choice takes effect at once and survives a restart." />
		${error && html`<${Problem} error=${error} retry=${reload} />`}
		${!data && !error && html`<${Waiting} />`}
		${data && html`
			<div class="columns two">
				<div class=column>
					<${Card} title="Who can register">
						<fieldset class=ways><legend class=unseen>Who can register</legend>
							${WAYS.map(([way, name, text]) => html`
								<label key=${way} class=radio><input type=radio name=registration value=${way} checked=${data.registration === way}
									onClick=${(event) => { if (data.registration !== way) { event.preventDefault(); choose(way) } }} />
									<span>${name}<small class=hint>${text}</small></span></label>`)}
						</fieldset>
					<//>
				</div>
				<div class=column>
					<${Invites} title="Invites to this server" given=${data.invites} changed=${reload} create="/invites" remove=${(code) => `/invites/${encodeURIComponent(code)}`} to="this server" link=${(code) => `${location.origin}/account#/join/${code}`} />
					${data.registration === 'closed' && data.invites.length > 0 && html`<p class=hint>Registration is closed: these invites admit nobody until it is by invite.</p>`}
				</div>
			</div>`}`
}

const label = (way) => WAYS.find(([key]) => key === way)[1].toLowerCase()
