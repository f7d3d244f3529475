import { html } from '../vendor/htm.js'
import { List } from './list.js'
import { madeAt, Time } from './time.js'
import { Avatar } from './user.js'

export const communityAddress = (id) => `#/communities/${id}`

export function CommunityChip({ community, plain }) {
	const inside = html`<${Avatar} id=${community.id} name=${community.name} /><bdi class=name>${community.name}</bdi>`
	return plain ? html`<span class="chip square">${inside}</span>` : html`<a class="chip square" tabindex=-1 href=${communityAddress(community.id)}>${inside}</a>`
}

/** A list of communities; what `owner` owns is marked. */
export function Communities({ owner, ...rest }) {
	const columns = [
		['Community', 'main', (community) => html`<${CommunityChip} community=${community} />`],
		['Id', 'wide', (community) => html`<span class=mono>${community.id}</span>`],
		['Made', 'sub', (community) => html`<${Time} at=${madeAt(community.id)} />`],
		owner
			? ['Role', 'end', (community) => (community.owner_id === owner ? html`<span class=badge>Owner</span>` : html`<span class=muted>Member</span>`)]
			: ['Owner', 'end', (community) => html`<a class=mono tabindex=-1 href=${`#/users/${community.owner_id}`} aria-label=${`Owner ${community.owner_id}`}>${community.owner_id}</a>`],
	]
	return html`<${List} label=Communities columns=${columns} template="minmax(10rem, 3fr) minmax(11.5rem, 1fr) minmax(7rem, 1fr) minmax(7rem, 12rem)" href=${(community) => communityAddress(community.id)} ...${rest} />`
}
