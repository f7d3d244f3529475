// The lists that more than one page has.

import { html } from '../vendor/htm.js'
import { Avatar, UserChip } from './chip.js'
import { List } from './list.js'
import { madeAt, Time } from './time.js'
import { Tag } from './user.js'

export const DM = 2

/** What a channel is called from the side of `of`: a DM by the other one, a group by its name or its people. */
function ChannelName({ channel, of }) {
	const others = channel.participants.filter(({ user }) => user.id !== of).map(({ user }) => user)
	if (channel.type !== DM && channel.name) return html`<span class="chip square"><${Avatar} of=${channel} /><bdi class=name>${channel.name}</bdi></span>`
	const first = others[0]
	if (!first) return html`<span class=muted>Nobody else</span>`
	return html`<span class=chip><${Avatar} of=${first} /><span class=run>${others.slice(0, 5).map((user, index) => html`${index > 0 && ', '}<${Tag} key=${user.id} user=${user} />`)}${others.length > 5 && ` and ${others.length - 5} more`}</span></span>`
}

export function Channels({ of, ...rest }) {
	const mine = (channel) => channel.participants.find(({ user }) => user.id === of)
	const columns = [
		['With', 'main', (channel) => html`<a class=plain tabindex=-1 href=${`#/channels/${channel.id}`}><${ChannelName} channel=${channel} of=${of} /></a>`],
		['Made', 'sub', (channel) => html`${channel.type === DM ? 'opened' : 'made'} <${Time} at=${madeAt(channel.id)} />`],
		['People', 'sub', (channel) => `${channel.participants.length} people`],
		['Kind', 'end', (channel) => html`<span class=badge>${channel.type === DM ? 'DM' : 'Group'}</span>${mine(channel)?.hidden && html`<span class=badge>Hidden</span>`}`],
	]
	return html`<${List} label="DMs and groups" columns=${columns} template="minmax(12rem, 3fr) minmax(11rem, 1fr) minmax(6rem, 1fr) 9rem" narrow=${680} href=${(channel) => `#/channels/${channel.id}`} ...${rest} />`
}

export const communityAddress = (id) => `#/communities/${id}`

export function Communities({ owner, ...rest }) {
	const columns = [
		['Community', 'main', (community) => html`<a class="chip square" tabindex=-1 href=${communityAddress(community.id)}><${Avatar} of=${community} /><bdi class=name>${community.name}</bdi></a>`],
		['Id', 'wide', (community) => html`<span class=mono>${community.id}</span>`],
		['Made', 'sub', (community) => html`<${Time} at=${madeAt(community.id)} />`],
		owner
			? ['Role', 'end', (community) => (community.owner_id === owner ? html`<span class=badge>Owner</span>` : html`<span class=muted>Member</span>`)]
			: ['Owner', 'end', ({ owner }) => html`<${UserChip} user=${owner} tabindex=-1 />`],
	]
	return html`<${List} label=Communities columns=${columns} template="minmax(10rem, 3fr) minmax(11.5rem, 1fr) minmax(8rem, 1fr) minmax(9rem, 1.5fr)" narrow=${680} href=${(community) => communityAddress(community.id)} ...${rest} />`
}
