import { get, query as withQuery } from '../api.js'
import { attempt } from '../parts/dialog.js'
import { createUser, rename } from '../parts/edit_user.js'
import { plain } from '../parts/number.js'
import { address, Card, Empty, go, Head, html, Unread, useEffect, useLoad, useState } from '../parts/page.js'
import { digits, Picture, taken } from '../parts/picture.js'
import { Search } from '../parts/search.js'
import { called, userAddress } from '../parts/user.js'

const ALL = 9999

export default function Names({ query }) {
	const { data, ...unread } = useLoad(query.username ? withQuery('/names', { username: query.username }) : null)
	const person = useLoad(query.user ? `/users/${encodeURIComponent(query.user)}` : null)
	const change = (username) => go(address('/names', { username, user: query.user }), { replace: true })
	return html`
		<${Head} title=Discriminators note="A name is free as long as one of its 9,999 discriminators is." />
		<div class=bar><${Search} value=${query.username} label=Name placeholder="A whole name, such as ann" change=${change} /></div>
		<div class="columns wide-first">
			<div>
				${!query.username && html`<${Empty} title="Which name?">Type one above, or take one of the fullest.<//>`}
				${query.username && !data && html`<${Unread} ...${unread} />`}
				${data && html`<${Numbers} key=${data.username} data=${data} person=${person.data?.user} />`}
			</div>
			<div><${Fullest} current=${query.username} user=${query.user} /></div>
		</div>`
}

function Numbers({ data, person }) {
	const { username, holders, free, taken: bits } = data
	const [at, setAt] = useState(null)
	const [row, setRow] = useState('')
	const mine = person && person.username.toLowerCase() === username.toLowerCase() ? Number(person.discriminator) : null

	// The hundred of the row under the cursor, once it rests there.
	useEffect(() => {
		const timer = setTimeout(() => setRow(at ? digits(at).slice(0, 2) : ''), 120)
		return () => clearTimeout(timer)
	}, [at])
	const { data: hundred } = useLoad(row && withQuery('/users', { search: `${username}#${row}`, limit: 100 }))
	const holderOf = (number) => hundred?.find(({ user }) => user.discriminator === digits(number))?.user

	const isTaken = at && taken(bits, at)
	const holder = isTaken && holderOf(at)

	async function open(number) {
		if (!taken(bits, number)) return
		const found = holderOf(number)
		attempt(async () => {
			const [account] = found ? [{ user: found }] : await get(withQuery('/users', { search: `${username}#${digits(number)}`, limit: 1 }))
			if (account) go(userAddress(account.user.id))
		})
	}
	const give = () => attempt(() => rename(person, { username, discriminator: digits(at) }))

	const said = !at ? 'Point at a square, or move with the arrow keys.'
		: !isTaken ? html`${called({ username, discriminator: digits(at) })} is free.`
		: !holder ? '…' : html`${called(holder)} ${holder.id === person?.id ? 'is held by the user you came from' : 'holds it'}.`

	return html`
		<section class="card names-card" aria-label="Discriminators of this name">
			<header><h2><bdi class=name>${username}</bdi></h2><p class=muted>${plain.format(holders)} of ${plain.format(ALL)} taken</p></header>
			<div class=gauge role=meter aria-label="How full the name is" aria-valuemin=0 aria-valuemax=${ALL} aria-valuenow=${holders} aria-valuetext=${`${holders} of ${ALL} taken`}><span style=${{ width: `${(holders / ALL) * 100}%` }}></span></div>
			<ul class=legend id=picture-legend>
				<li><i class=swatch></i>Free, ${plain.format(free)}</li>
				<li><i class="swatch taken"></i>Taken, ${plain.format(holders)}</li>
				${mine && html`<li><i class="swatch mine"></i><span>Of ${called(person)}</span></li>`}
			</ul>
			<div class=reading>
				<p role=status>${said}</p>
				<div class=buttons>
					${holder && html`<a class="button small" href=${userAddress(holder.id)}>Open</a>`}
					${at && !isTaken && (person
						? html`<button class=small onClick=${give}><span>Give it to ${called(person)}</span></button>`
						: html`<button class=small onClick=${() => createUser({ username, discriminator: digits(at) })}>Create this user</button>`)}
				</div>
			</div>
			<${Picture} bits=${bits} mine=${mine} at=${at} move=${setAt} open=${open} label=${`Discriminators of ${username}: rows are the first two digits, columns the last two. Arrow keys move, Enter opens the holder.`} describedby=picture-legend />
		</section>`
}

function Fullest({ current = '', user }) {
	const { data, ...unread } = useLoad('/names/fullest')
	return html`
		<${Card} title="The fullest names">
			${!data ? html`<${Unread} ...${unread} />` : !data.length ? html`<${Empty} title="No name is held twice yet.">Names show here as soon as two users share one.<//>` : html`
				<ol class=bars>
					${data.map(({ username, holders }) => html`
						<li key=${username}><a href=${address('/names', { username, user })} aria-current=${username.toLowerCase() === current.toLowerCase()}>
							<span class=bar-fill style=${{ width: `${Math.max(0.5, (holders / ALL) * 100)}%` }}></span>
							<bdi class=name>${username}</bdi><span class=amount>${plain.format(holders)}</span>
						</a></li>`)}
				</ol>`}
		<//>`
}
