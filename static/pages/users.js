import { post, put, query as withQuery } from '../api.js'
import { State, UserChip } from '../parts/chip.js'
import { ask, toast } from '../parts/dialog.js'
import { createUser } from '../parts/edit_user.js'
import { Choice, Field } from '../parts/form.js'
import { List } from '../parts/list.js'
import { address, go, Head, html, Icon, useEffect, useRef, useState } from '../parts/page.js'
import { Search } from '../parts/search.js'
import { madeAt, Time } from '../parts/time.js'
import { Flags, FLAGS, isDeleted, Tag, tag, userAddress } from '../parts/user.js'

const FILTERS = [['', 'Everyone'], ['developer', 'Developers'], ['bot', 'Bots'], ['system', 'System accounts'], ['disabled', 'Disabled'], ['deleted', 'Deleted']]
const ORDERS = [['', 'Newest first'], ['oldest', 'Oldest first']]
const MOST = 200

const COLUMNS = [
	['User', 'main', ({ user }) => html`<${UserChip} user=${user} tabindex=-1 />`],
	['Id', 'wide', ({ user }) => html`<span class=mono>${user.id}</span>`],
	['Made', 'sub', ({ user }) => html`<${Time} at=${madeAt(user.id)} />`],
	['Flags', 'end', ({ user }) => html`<${Flags} user=${user} />`],
	['State', 'end', (account) => html`<${State} account=${account} />`],
]

const count = (users) => (users === 1 ? '1 user' : `${users} users`)

export default function Users({ query }) {
	const [selected, setSelected] = useState(new Map())
	const list = useRef(null)
	const path = withQuery('/users', { search: query.search, filter: query.filter, order: query.search ? '' : query.order, limit: 100 })
	const change = (values) => {
		setSelected(new Map())
		go(address('/users', { ...query, ...values }), { replace: true })
	}
	const create = () => createUser({ done: () => list.current?.reload() })

	const select = {
		has: ({ user }) => selected.has(user.id),
		name: ({ user }) => tag(user),
		all: (items) => first(items).every(({ user }) => selected.has(user.id)) && selected.size > 0,
		every: (items) => setSelected(new Map(select.all(items) ? [] : first(items).map((item) => [item.user.id, item]))),
		toggle: (item) => setSelected((old) => {
			const next = new Map(old)
			if (next.delete(item.user.id) || !pickable(item)) return next
			return next.size < MOST ? next.set(item.user.id, item) : old
		}),
	}

	async function bulk(accounts, action, more) {
		const changed = await post('/users/bulk', { ids: accounts.map(({ user }) => user.id), action, ...more })
		setSelected((old) => new Map(changed.filter(({ user }) => old.has(user.id) && !isDeleted(user)).map((account) => [account.user.id, account])))
		list.current?.update(changed)
		return changed
	}

	// Each with the reason it had.
	const disableAgain = async (accounts) => list.current?.update(await Promise.all(accounts.map(({ user, reason }) => put(`/users/${user.id}/disabled`, { reason }))))

	return html`
		<${Head} title=Users><button class=primary onClick=${create}><${Icon} name=plus />Create a user</button><//>
		<div class=bar>
			<${Search} value=${query.search} label="Search users" placeholder="Name, name#00, name#0001 or id" change=${(search) => change({ search })} />
			<${Choice} label=Show value=${query.filter} options=${FILTERS} change=${(filter) => change({ filter })} />
			<${Choice} label=Order value=${query.search ? '' : query.order} options=${query.search ? [['', 'By name']] : ORDERS} disabled=${Boolean(query.search)} change=${(order) => change({ order })} />
		</div>
		<${List} path=${path} label=Users columns=${COLUMNS} template="minmax(12rem, 3fr) minmax(10.5rem, 1.2fr) minmax(8rem, 1fr) minmax(13.5rem, 1.4fr) 6rem" narrow=${880} id=${({ user }) => user.id}
			href=${({ user }) => userAddress(user.id)} select=${select} handle=${list} empty=${none(query, create, () => change({ search: '', filter: '' }))} />
		${selected.size > 0 && html`<${Selection} accounts=${[...selected.values()]} bulk=${bulk} disableAgain=${disableAgain} clear=${() => setSelected(new Map())} />`}`
}

const pickable = ({ user }) => !isDeleted(user)
const first = (items) => items.filter(pickable).slice(0, MOST)

function none(query, create, clear) {
	if (!query.search && !query.filter) {
		return ['There are no users yet.', html`Create the first one, or <a href="#/registration">open the registration</a>. <button onClick=${create}>Create a user</button>`]
	}
	return [query.search ? html`Nobody here matches “<bdi>${query.search}</bdi>”.` : 'Nobody matches this filter.', html`A search takes the beginning of a name, a tag such as ann#0001, or a whole id. <button onClick=${clear}>Show everyone</button>`]
}

const whether = ({ disabled, reason }) => `${disabled} ${reason}`

/** The way back for those `touched`, as long as `what` was changed in them stays so. */
function undo(touched, changed, what, act) {
	const left = new Map(changed.map((account) => [account.user.id, what(account)]))
	return touched.length > 0 && { path: touched.map(({ user }) => `/users/${user.id}`), still: (account) => what(account) === left.get(account.user.id), act }
}

function Selection({ accounts, bulk, disableAgain, clear }) {
	const some = count(accounts.length)
	const names = html`<ul class=names>${accounts.slice(0, 5).map(({ user }) => html`<li key=${user.id}><${Tag} user=${user} /></li>`)}${accounts.length > 5 && html`<li>and ${accounts.length - 5} more</li>`}</ul>`

	const flag = (on) => ask({
		title: on ? `Set a flag on ${some}` : `Clear a flag of ${some}`, submit: on ? 'Set the flag' : 'Clear the flag',
		body: html`${names}<fieldset><legend>Flag</legend>${FLAGS.map(([name, , label, text], index) => html`<label key=${name} class=radio><input type=radio name=flag value=${name} defaultChecked=${index === 0} /><span>${label}<small class=hint>${text}</small></span></label>`)}</fieldset>`,
		act: async ({ flag }) => {
			const [, bit, label] = FLAGS.find(([name]) => name === flag)
			const touched = accounts.filter(({ user }) => user.flags.includes(bit) !== on)
			const set = (accounts, on) => bulk(accounts, on ? 'set_flag' : 'clear_flag', { flag })
			const changed = await set(accounts, on)
			toast(`${label} ${on ? 'set on' : 'cleared of'} ${some}.`, undo(touched, changed, ({ user }) => user.flags.includes(bit), () => set(touched, !on)))
		},
	})
	const disable = () => ask({
		title: `Disable ${some}`, submit: 'Disable', danger: true,
		body: html`${names}<p>Their tokens stop working at once, and nobody can log in to them until they are enabled again.</p><${Field} label="Reason, which they are shown" name=reason maxlength=200 />`,
		act: async ({ reason }) => {
			const touched = accounts.filter(({ disabled }) => !disabled)
			const changed = await bulk(accounts, 'disable', { reason: reason || undefined })
			toast(`${some} disabled.`, undo(touched, changed, whether, () => bulk(touched, 'enable')))
		},
	})
	const enable = () => ask({
		title: `Enable ${some}`, submit: 'Enable',
		body: html`${names}<p>They can log in and use their tokens again.</p>`,
		act: async () => {
			const touched = accounts.filter(({ disabled }) => disabled)
			const changed = await bulk(accounts, 'enable')
			toast(`${some} enabled.`, undo(touched, changed, whether, () => disableAgain(touched)))
		},
	})
	const erase = () => ask({
		title: `Delete ${some}`, submit: 'Delete for good', danger: true, typed: accounts.length === 1 ? tag(accounts[0].user) : some,
		body: html`${names}<p>Each becomes “Deleted User”: the tag is free again, password and tokens are gone, and they leave their communities and groups. Communities that they own go to the longest-standing member; those with no other member are deleted. This can’t be undone.</p>`,
		act: async () => {
			await bulk(accounts, 'delete')
			toast(`${some} deleted.`)
		},
	})

	useEffect(() => {
		const press = (event) => event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]') && clear()
		addEventListener('keydown', press)
		return () => removeEventListener('keydown', press)
	}, [])

	return html`
		<div class=selection role=region aria-label=Selection>
			<p><b>${some}</b> selected${accounts.length === MOST ? ', as many as go at once' : ''}</p>
			<div class=buttons>
				<button class=small onClick=${() => flag(true)}>Set flag</button>
				<button class=small onClick=${() => flag(false)}>Clear flag</button>
				<button class=small onClick=${disable}>Disable</button>
				<button class=small onClick=${enable}>Enable</button>
				<button class="small danger" onClick=${erase}>Delete</button>
				<button class="small quiet" onClick=${clear}>Clear the selection</button>
			</div>
		</div>`
}
