import { html, useRef } from '../vendor/htm.js'
import { patch, put, remove } from '../api.js'
import { ask } from '../parts/dialog.js'
import { Field, Form } from '../parts/form.js'
import { Invites } from '../parts/invites.js'
import { List } from '../parts/list.js'
import { Card, Empty, Head, Problem, useLoad, Waiting } from '../parts/load.js'
import { UserPicker } from '../parts/picker.js'
import { address, go } from '../parts/router.js'
import { Copy } from '../parts/secret.js'
import { madeAt, Time, When } from '../parts/time.js'
import { attempt, toast } from '../parts/toast.js'
import { Avatar, called, named, tag, userAddress, UserChip } from '../parts/user.js'

const BACK = ['#/communities', 'Communities']

export default function Community({ id }) {
	const path = `/communities/${encodeURIComponent(id)}`
	const { data, error, reload, replace } = useLoad(path)
	const members = useRef(null)
	if (error) return html`<${Head} title=Community back=${BACK} /><${Problem} error=${error} retry=${reload} />`
	if (!data) return html`<${Head} title=Community back=${BACK} /><${Waiting} />`
	const { community, owner } = data
	const title = html`<span class="identity square"><${Avatar} id=${community.id} name=${community.name} /><bdi class=name>${community.name}</bdi></span>`
	const name = html`${named(community.name)}`

	async function rename(values) {
		if (values.name === community.name) return toast('The name is the same as before.')
		const set = async (name) => replace({ owner, community: await patch(path, { name }) })
		await set(values.name)
		toast(html`${name} is now ${named(values.name)}.`, () => set(community.name))
	}
	const handOver = () => ask({
		title: html`Hand over ${name}`, submit: 'Hand over', danger: true,
		body: html`<p><bdi>${tag(owner)}</bdi> stays a member, but the new owner alone decides about the community from then on.</p><${UserPicker} label="New owner" name="owner_id" hint="One of the members." />`,
		act: async ({ owner_id }) => {
			await patch(path, { owner_id })
			reload()
			toast(html`${name} handed over.`, async () => {
				await patch(path, { owner_id: owner.id })
				reload()
			})
		},
	})
	const erase = () => ask({
		title: html`Delete ${name}`, submit: 'Delete for good', danger: true, typed: community.name,
		body: html`<p>The community goes with all its memberships and invites. Its members stay users of this server. This can’t be undone.</p>`,
		act: async () => {
			await remove(path)
			toast(html`Community ${name} deleted.`)
			go('#/communities', { replace: true })
		},
	})

	return html`
		<${Head} title=${title} text=${community.name} back=${BACK}>
			<a class=button href=${address('/audit', { target: community.id })}>Audit log of this community</a>
		<//>
		<div class="columns wide-first">
			<div class=column>
				<${Members} path=${path} community=${community} list=${members} />
			</div>
			<div class=column>
				<${Card} title=About>
					<dl class=facts>
						<div><dt>Owner</dt><dd><${UserChip} user=${owner} /></dd></div>
						<div><dt>Id</dt><dd><span class=mono>${community.id}</span> <${Copy} text=${community.id} /></dd></div>
						<div><dt>Made</dt><dd><${When} at=${madeAt(community.id)} /></dd></div>
					</dl>
				<//>
				<${Card} title=Name>
					<${Form} key=${community.name} submit=Rename act=${rename}><${Field} label=Name name=name maxlength=200 defaultValue=${community.name} dir=auto /><//>
				<//>
				<${Invites} title=Invites list=${`${path}/invites?limit=200`} create=${`${path}/invites`} remove=${(code) => `${path}/invites/${encodeURIComponent(code)}`} endless to=${name} />
				<${Card} title="Hand over or delete" class=dangerous>
					<div class=deed><p>The new owner must be a member.</p><button onClick=${handOver}>Hand over …</button></div>
					<div class=deed><p>Deleting takes memberships and invites with it.</p><button class=danger onClick=${erase}>Delete …</button></div>
				<//>
			</div>
		</div>`
}

function Members({ path, community, list }) {
	const again = () => list.current?.reload()
	const member = (user) => `${path}/members/${user.id}`
	const name = html`${named(community.name)}`
	const add = (user) => attempt(async () => {
		await put(member(user))
		again()
		toast(html`${called(user)} is now in ${name}.`, async () => {
			await remove(member(user))
			again()
		})
	})
	const take = (user) => ask({
		title: html`Remove ${called(user)}`, submit: 'Remove', danger: true,
		body: html`<p>They are no longer in ${name}. They may come back with an invite.</p>`,
		act: async () => {
			await remove(member(user))
			again()
			toast(html`${called(user)} removed from ${name}.`, async () => {
				await put(member(user))
				again()
			})
		},
	})
	const columns = [
		['Member', 'main', ({ user }) => html`<${UserChip} user=${user} tabindex=-1 />`],
		['Since', 'sub', ({ since }) => html`<span class=muted>since <${Time} at=${since} /></span>`],
		['Actions', 'end', ({ user }) => (user.id === community.owner_id ? html`<span class=badge>Owner</span>` : html`<button class=small onClick=${() => take(user)}>Remove<span class=unseen> <bdi>${tag(user)}</bdi></span></button>`)],
	]
	return html`
		<${Card} title=Members>
			<form onSubmit=${(event) => event.preventDefault()}><${UserPicker} label="Add a member" pick=${add} clear /></form>
			<${List} path=${`${path}/members?limit=100`} label=Members columns=${columns} template="minmax(0, 2fr) minmax(0, 1fr) 6rem" id=${({ user }) => user.id} href=${({ user }) => userAddress(user.id)} handle=${list}
				empty=${html`<${Empty} title="No members.">Add one above.<//>`} />
		<//>`
}
