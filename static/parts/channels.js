import { html } from '../vendor/htm.js'
import { List } from './list.js'
import { madeAt, Time } from './time.js'
import { Avatar, isDeleted, Tag } from './user.js'

export const DM = 2

/** What a channel is called from the side of `of`: a DM by the other one, a group by its name or its people. */
export function ChannelName({ channel, of }) {
	const others = channel.participants.filter(({ user }) => user.id !== of).map(({ user }) => user)
	if (channel.type !== DM && channel.name) return html`<span class="chip square"><${Avatar} id=${channel.id} name=${channel.name} /><bdi class=name>${channel.name}</bdi></span>`
	const first = others[0]
	if (!first) return html`<span class=muted>Nobody else</span>`
	return html`<span class=chip><${Avatar} id=${first.id} name=${first.username} gone=${isDeleted(first)} /><span class=run>${others.slice(0, 5).map((user, index) => html`${index > 0 && ', '}<${Tag} key=${user.id} user=${user} />`)}${others.length > 5 && ` and ${others.length - 5} more`}</span></span>`
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
