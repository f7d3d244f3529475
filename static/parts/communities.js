import { html } from '../vendor/htm.js'
import { List } from './list.js'
import { madeAt, Time } from './time.js'
import { Avatar, UserChip } from './user.js'

export const communityAddress = (id) => `#/communities/${id}`

export function Communities({ owner, ...rest }) {
	const columns = [
		['Community', 'main', (community) => html`<a class="chip square" tabindex=-1 href=${communityAddress(community.id)}><${Avatar} id=${community.id} name=${community.name} /><bdi class=name>${community.name}</bdi></a>`],
		['Id', 'wide', (community) => html`<span class=mono>${community.id}</span>`],
		['Made', 'sub', (community) => html`<${Time} at=${madeAt(community.id)} />`],
		owner
			? ['Role', 'end', (community) => (community.owner_id === owner ? html`<span class=badge>Owner</span>` : html`<span class=muted>Member</span>`)]
			: ['Owner', 'end', ({ owner }) => html`<${UserChip} user=${owner} tabindex=-1 />`],
	]
	return html`<${List} label=Communities columns=${columns} template="minmax(10rem, 3fr) minmax(11.5rem, 1fr) minmax(8rem, 1fr) minmax(9rem, 1.5fr)" narrow=${680} href=${(community) => communityAddress(community.id)} ...${rest} />`
}
