import { patch, put, remove } from '../api.js'
import { Avatar, UserChip } from '../parts/chip.js'
import { ask, askToRemove, attempt, toast } from '../parts/dialog.js'
import { Field, File, Form, Id } from '../parts/form.js'
import { Invites } from '../parts/invites.js'
import { List } from '../parts/list.js'
import { address, Card, Facts, go, Head, html, Unread, useLoad } from '../parts/page.js'
import { UserPicker } from '../parts/search.js'
import { madeAt, Time, When } from '../parts/time.js'
import { called, named, userAddress } from '../parts/user.js'

const BACK = ['#/communities', 'Communities']

export default function Community({ id }) {
	const path = `/communities/${encodeURIComponent(id)}`
	const { data, ...unread } = useLoad(path)
	if (!data) return html`<${Head} title=Community back=${BACK} /><${Unread} ...${unread} />`
	const { community, owner } = data
	const title = html`<span class="identity square"><${Avatar} of=${community} size=128 /><bdi class=name>${community.name}</bdi></span>`
	const name = named(community.name)

	async function rename(values) {
		if (values.name === community.name) return toast('The name is the same as before.')
		const left = await patch(path, values)
		toast(html`${name} is now ${named(left.name)}.`, { path, still: (found) => found.community.name === left.name, act: () => patch(path, { name: community.name }) })
	}
	const setIcon = (icon) => attempt(async () => {
		await patch(path, { icon: await icon })
		toast(html`Icon of ${name} ${icon ? 'set' : 'removed'}.`)
	})
	const handOver = () => ask({
		title: html`Hand over ${name}`, submit: 'Hand over', danger: true,
		body: html`<p>${called(owner)} stays a member, but the new owner alone decides about the community from then on.</p><${UserPicker} label="New owner" name=owner_id hint="One of the members." />`,
		act: async ({ owner_id }) => {
			await patch(path, { owner_id })
			toast(html`${name} handed over.`, { path, still: ({ community }) => community.owner_id === owner_id, act: () => patch(path, { owner_id: owner.id }) })
		},
	})
	const erase = () => askToRemove({
		path, title: html`Delete ${name}`, submit: 'Delete for good', typed: community.name, said: html`Community ${name} deleted.`,
		text: 'The community goes with all its memberships and invites. Its members stay users of this server. This can’t be undone.',
		done: () => go('#/communities', { replace: true }),
	})

	return html`
		<${Head} title=${title} text=${community.name} back=${BACK}>
			<a class=button href=${address('/audit', { target: community.id })}>Audit log of this community</a>
		<//>
		<div class="columns wide-last">
			<div>
				<${Card} title=About>
					<${Facts} rows=${[
						['Owner', html`<${UserChip} user=${owner} />`],
						['Id', html`<${Id} id=${community.id} />`],
						['Made', html`<${When} at=${madeAt(community.id)} />`],
						['Icon', html`<div class=buttons><${File} label="Set an icon" choose=${(file) => setIcon(dataUri(file))} />${community.icon && html`<button class=small onClick=${() => setIcon(null)}>Remove icon</button>`}</div>`],
					]} />
				<//>
				<${Card} title=Name>
					<${Form} key=${community.name} submit=Rename act=${rename}><${Field} label=Name name=name maxlength=200 defaultValue=${community.name} dir=auto /><//>
				<//>
				<${Invites} title=Invites list=${`${path}/invites?limit=200`} create=${`${path}/invites`} remove=${(code) => `${path}/invites/${encodeURIComponent(code)}`} endless to=${name} link=${(code) => `${location.origin}/account#/invite/${code}`} />
				<${Card} title="Hand over or delete" class=dangerous>
					<div class=deed><p>The new owner must be a member.</p><button onClick=${handOver}>Hand over …</button></div>
					<div class=deed><p>Deleting takes memberships and invites with it.</p><button class=danger onClick=${erase}>Delete …</button></div>
				<//>
			</div>
			<div>
				<${Members} path=${path} community=${community} />
			</div>
		</div>`
}

function Members({ path, community }) {
	const name = named(community.name)
	const set = (user, inside) => (inside ? put : remove)(`${path}/members/${user.id}`)
	// In the order of ids, the page that begins at theirs tells whether somebody is a member.
	const undo = (user, inside) => ({
		path: `${path}/members?limit=1&after=${BigInt(user.id) - 1n}`, still: ([first]) => (first?.user.id === user.id) === inside,
		act: () => set(user, !inside),
	})
	const add = (user) => attempt(async () => {
		await set(user, true)
		toast(html`${called(user)} is now in ${name}.`, undo(user, true))
	})
	const take = (user) => askToRemove({
		path: `${path}/members/${user.id}`, title: html`Remove ${called(user)}`, submit: 'Remove', undo: undo(user, false), said: html`${called(user)} removed from ${name}.`,
		text: html`They are no longer in ${name}. They may come back with an invite.`,
	})
	const columns = [
		['Member', 'main', ({ user }) => html`<${UserChip} user=${user} tabindex=-1 />`],
		['Since', 'sub', ({ since }) => html`since <${Time} at=${since} />`],
		['Actions', 'end', ({ user }) => (user.id === community.owner_id ? html`<span class=badge>Owner</span>` : html`<button class=small onClick=${() => take(user)}>Remove<span class=unseen> ${called(user)}</span></button>`)],
	]
	return html`
		<${Card} title=Members>
			<${UserPicker} label="Add a member" pick=${add} clear />
			<${List} path=${`${path}/members?limit=100`} label=Members columns=${columns} template="2fr 1fr 6rem" id=${({ user }) => user.id} href=${({ user }) => userAddress(user.id)}
				empty=${['No members.', 'Add one above.']} />
		<//>`
}

const dataUri = (file) => new Promise((done, failed) => {
	const reader = Object.assign(new FileReader(), { onload: () => done(reader.result), onerror: () => failed(reader.error) })
	reader.readAsDataURL(file)
})
