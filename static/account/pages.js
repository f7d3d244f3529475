import { get, page, post, put, query, remove } from '../api.js'
import { ask, askToRemove, attempt, reveal, toast } from '../parts/dialog.js'
import { atField, Field, Form, NewPassword } from '../parts/form.js'
import { Card, Empty, go, Head, html, Problem, Unread, useEffect, useListener, useLoad, useState, Waiting } from '../parts/page.js'
import { madeAt, Time } from '../parts/time.js'
import { called, Image, named, Tag } from '../parts/user.js'

const COMMUNITIES = '/users/@me/communities'
const BLOCKS = '/users/@me/blocks'
const TOKENS = '/auth/tokens'

/** The small pages share a module: apart, they weigh half as much again. */
export default function Page({ place, ...rest }) {
	const Place = { communities: Communities, invite: Invite, blocks: Blocks, security: Security, data: Data }[place]
	return html`<${Place} ...${rest} />`
}

function Communities({ me }) {
	const list = useList(COMMUNITIES)
	const leave = ({ id, name, owner_id }) => owner_id === me.id
		? ask({
			title: html`You own ${named(name)}`, submit: 'Close',
			body: html`<p>An owner can’t leave. Hand it over to another member or delete it in a chat client, or ask an admin of this server to hand it over; then you can leave.</p>`,
		})
		: askToRemove({
			path: `${COMMUNITIES}/${id}`, title: html`Leave ${named(name)}`, submit: 'Leave', done: list.reload, said: html`You have left ${named(name)}.`,
			text: 'You come back only with a new invite.',
		})
	const accept = ({ invite }) => {
		// A link or the code alone.
		const code = invite.trim().split('/').pop()
		if (!code) throw atField('invite', 'Paste a code or a link.')
		go(`#/invite/${encodeURIComponent(code)}`)
	}
	return html`
		<${Head} title=Communities />
		<div class=columns>
			<div>
				<${Card} title="Your communities">
					<${Entries} list=${list} label="Your communities" empty=${['You are in no community yet.', 'An invite brings you into one.']} row=${(community) => html`
						<div><span class="chip square"><${Image} of=${community} /><bdi class=name>${community.name}</bdi></span></div>
						<div class=buttons>
							${community.owner_id === me.id && html`<span class=badge>Owner</span>`}
							<button class=small onClick=${() => leave(community)}>Leave<span class=unseen> ${community.name}</span></button>
						</div>`} />
				<//>
			</div>
			<div>
				<${Card} title="Accept an invite">
					<${Form} submit="Look at it" act=${accept}>
						<${Field} label="Code or link" name=invite hint="You see which community it is before you join." />
					<//>
				<//>
			</div>
		</div>`
}

function Invite({ code }) {
	const path = `/invites/${encodeURIComponent(code)}`
	const invite = useLoad(code ? path : null)
	const community = invite.data?.community
	const owner = useLoad(community ? `/users/${community.owner_id}` : null)
	// In the order of ids, the page that begins at its own tells whether one is a member.
	const member = useLoad(community ? `${COMMUNITIES}?limit=1&after=${BigInt(community.id) - 1n}` : null)
	const back = ['#/communities', 'Communities']

	if (!code || invite.error?.code === 'unknown_invite') return html`
		<${Head} title="This invite does not work" back=${back} />
		<p>It is used up, has expired or was withdrawn, or the link is not whole. Ask whoever gave it to you for another.</p>`
	const missing = [invite, owner, member].find(({ data }) => !data)
	if (missing) return html`<${Head} title=Invite back=${back} /><${Unread} ...${missing} />`

	const join = () => attempt(async () => {
		try {
			await post(path)
		} catch (error) {
			if (error.code === 'already_member') return member.reload()
			throw error
		}
		toast(html`You are now in ${named(community.name)}.`)
		go('#/communities', { replace: true })
	})
	return html`
		<${Head} text=${community.name} back=${back} title=${html`<span class="identity square"><${Image} of=${community} size=128 /><bdi class=name>${community.name}</bdi></span>`}
			note=${html`A community of ${called(owner.data)}.`} />
		<section class="card invitation">
			${member.data[0]?.id === community.id
				? html`<p>You are a member already.</p><a class=button href="#/communities">Go to your communities</a>`
				: html`<p>Its members see that you have joined. You can leave at any time.</p><button class=primary onClick=${join}>Join</button>`}
		</section>`
}

function Blocks({ me }) {
	const list = useList(BLOCKS)
	const set = async (user, blocked) => {
		await (blocked ? put : remove)(`${BLOCKS}/${user.id}`)
		dispatchEvent(new Event('stale'))
	}
	const change = async (user, blocked) => {
		await set(user, blocked)
		toast(html`${called(user)} ${blocked ? 'blocked' : 'unblocked'}.`, { act: () => set(user, !blocked) })
	}
	async function block({ tag }, form) {
		if (!tag.trim()) throw atField('tag', 'Type their tag, such as name#0001.')
		const user = await get(query('/users', { tag: tag.trim() })).catch((error) => {
			throw error.code === 'unknown_user' || error.reason === 'reserved' ? atField('tag', 'Nobody has this tag.') : error
		})
		if (user.id === me.id) throw atField('tag', 'This is you.')
		// Undone would be what was there before.
		const before = await get(`${BLOCKS}/${user.id}`).then(() => true, (error) => {
			if (error.status !== 404) throw error
		})
		if (before) toast(html`${called(user)} was blocked already.`)
		else await change(user, true)
		form.reset()
	}
	return html`
		<${Head} title=Blocks note="Who is blocked can’t open a new DM with you or bring you into a group. A DM that stands already stays." />
		<div class=columns>
			<div>
				<${Card} title="Blocked users">
					<${Entries} list=${list} label="Blocked users" empty=${['You have blocked nobody.', 'They are not told if you do.']} row=${(user) => html`
						<div><span class=chip><${Image} of=${user} /><${Tag} user=${user} /></span></div>
						<button class=small onClick=${() => attempt(() => change(user, false))}>Unblock<span class=unseen> ${called(user)}</span></button>`} />
				<//>
			</div>
			<div>
				<${Card} title="Block somebody">
					<${Form} submit=Block act=${block}><${Field} label="Their tag" name=tag placeholder="name#0001" dir=auto /><//>
				<//>
			</div>
		</div>`
}

function Security({ session, over }) {
	const list = useList(TOKENS)
	return html`
		<${Head} title=Security />
		<div class=columns>
			<div><${Sessions} list=${list} session=${session} over=${over} /></div>
			<div><${Password} changed=${list.reload} /></div>
		</div>`
}

function Sessions({ list, session, over }) {
	const end = ({ id, name }) => askToRemove({
		path: `${TOKENS}/${id}`, title: 'End this session', submit: 'End it', done: list.reload, said: 'Session ended.',
		text: html`${name ? html`“<bdi>${name}</bdi>”` : 'It'} is logged out at once; a token stops working.`,
	})
	const endAll = () => ask({
		title: 'Log out everywhere', submit: 'Log out everywhere', danger: true,
		body: html`<p>All sessions and tokens of your account end, this one too. Every device has to log in again, every script needs a new token.</p>`,
		act: async () => {
			await remove(TOKENS)
			over('You are logged out everywhere.')
		},
	})
	const create = () => ask({
		title: 'Create a personal token', submit: 'Create',
		body: html`<p>A script that has it may do what you may do, until you end it here. It does not end by itself. <a href="../docs/">The documentation</a> tells what it can do.</p><${Field} label="What it is for" name=name maxlength=100 hint="Optional; it shows in the list." />`,
		act: async ({ name }) => {
			const { token } = await post('/tokens', { name: name || undefined })
			list.reload()
			reveal({ title: 'Your personal token', label: 'Token', text: token, note: 'Copy it now: it is shown this once. Whoever has it can act as you, so keep it like a password.' })
		},
	})
	return html`
		<${Card} title="Sessions and tokens" action=${html`<div class=buttons><button class=small onClick=${create}>Create a token</button><button class="small danger" onClick=${endAll}>Log out everywhere</button></div>`}>
			<${Entries} list=${list} label="Sessions and tokens" empty=${['No sessions.']} row=${(entry) => html`
				<div>
					${entry.name ? html`<bdi class=quoted>${entry.name}</bdi>` : html`<span class=muted>Without a name</span>`}
					<p class=muted>begun <${Time} at=${madeAt(entry.id)} /> · ${entry.last_used ? html`used <${Time} at=${entry.last_used} />` : 'never used'}</p>
				</div>
				${entry.id === session ? html`<span class="badge active">This one</span>` : html`<button class=small onClick=${() => end(entry)}>End<span class=unseen> ${entry.name || 'this session'}</span></button>`}`} />
		<//>`
}

function Password({ changed }) {
	async function change(values, form) {
		await post('/auth/password', values).catch((error) => {
			throw error.code === 'invalid_credentials' ? atField('current', 'This is not your current password.') : error
		})
		form.reset()
		changed()
		toast('Password changed. Your other sessions and tokens have ended.')
	}
	return html`
		<${Card} title="Your password">
			<${Form} submit="Change the password" act=${change}>
				<${Field} label="Current password" name=current type=password autocomplete=current-password />
				<${NewPassword} name=new hint="Your other sessions and tokens end with it." />
			<//>
		<//>`
}

function Data({ me, over }) {
	const erase = () => ask({
		title: html`Delete ${called(me)}`, submit: 'Delete for good', danger: true,
		body: html`
			<p>Your name becomes free for others, and you can’t log in any more. DMs stay with the other side, and show “Deleted User” in your place. You leave your groups and communities; those that you own pass on to their longest-standing member, and one with nobody else in it is deleted. This is final: nobody can undo it, no admin either.</p>
			<${Field} label=Password name=password type=password autocomplete=current-password />`,
		act: async ({ password }) => {
			await remove('/users/@me', { password }).catch((error) => {
				throw error.code === 'invalid_credentials' ? atField('password', 'This is not your password.') : error
			})
			over(null, { gone: me })
		},
	})
	return html`
		<${Head} title=Data />
		<div class=columns>
			<div>
				<${Card} title="Your data">
					<p>Everything that this server keeps of your account, as one JSON file.</p>
					<p><a class=button href=${`./api/users/@me/export?as=${me.id}`} download>Download the export</a></p>
				<//>
			</div>
			<div>
				<${Card} title="Delete the account" class=dangerous>
					<div class=deed><p>Deleting is final. Download your data first, if you want to keep it.</p><button class=danger onClick=${erase}>Delete …</button></div>
				<//>
			</div>
		</div>`
}

/** The list at `path`, a page after the other. */
function useList(path) {
	const [list, set] = useState(null)
	const load = async (from, before) => {
		try {
			const { items, next } = await page(from)
			set({ items: [...before, ...items], next })
		} catch (error) {
			set({ items: before, next: from, error })
		}
	}
	const reload = () => load(path, [])
	useListener('stale', reload)
	useEffect(() => void reload(), [])
	return { ...list, reload, more: () => load(list.next, list.items) }
}

/** `row(item)` is what stands in a line; `empty`: `[title, text]`. */
function Entries({ list: { items, next, error, more }, label, row, empty }) {
	if (!items) return html`<${Waiting} />`
	if (!items.length && !error) return html`<${Empty} title=${empty[0]}>${empty[1]}<//>`
	return html`
		<ul class=entries aria-label=${label}>${items.map((item) => html`<li key=${item.id}>${row(item)}</li>`)}</ul>
		${error ? html`<${Problem} error=${error} retry=${more} />` : next && html`<p class=more><button class=small onClick=${more}>Load more</button></p>`}`
}
