import { UserChip } from '../parts/chip.js'
import { Id } from '../parts/form.js'
import { DM } from '../parts/lists.js'
import { address, Card, Empty, Facts, Head, html, Unread, useLoad } from '../parts/page.js'
import { madeAt, Time, When } from '../parts/time.js'

const BACK = ['#/channels', 'Channels']

export default function Channel({ id }) {
	const { data: channel, ...unread } = useLoad(`/channels/${encodeURIComponent(id)}`)
	if (!channel) return html`<${Head} title=Channel back=${BACK} /><${Unread} ...${unread} />`
	const dm = channel.type === DM
	const people = channel.participants
	const title = dm ? 'DM' : channel.name ? html`<bdi class=name>${channel.name}</bdi>` : 'Group without a name'
	return html`
		<${Head} title=${title} text=${dm ? 'DM' : channel.name || 'Group'} back=${BACK} note="What is written in it is not stored on this server." />
		<div class="columns wide-first">
			<div>
				<${Card} title=Participants>
					${people.length === 0 && html`<${Empty} title="Nobody is in it any more." />`}
					<ul class=entries aria-label=Participants>
						${people.map(({ user, since, hidden }) => html`
							<li key=${user.id}>
								<div><${UserChip} user=${user} /><p class=muted>since <${Time} at=${since} /></p></div>
								<div class=buttons>
									${channel.owner_id === user.id && html`<span class=badge>Owner</span>`}${hidden && html`<span class=badge>Hidden</span>`}
									<a class="button small" href=${address('/channels', { user: user.id })}>Channels<span class=unseen> of <bdi>${user.username}</bdi></span></a>
								</div>
							</li>`)}
					</ul>
				<//>
			</div>
			<div>
				<${Card} title=About>
					<${Facts} rows=${[
						['Kind', dm ? 'DM, between two' : 'Group'],
						['Id', html`<${Id} id=${channel.id} />`],
						[dm ? 'Opened' : 'Made', html`<${When} at=${madeAt(channel.id)} />`],
					]} />
				<//>
			</div>
		</div>`
}
