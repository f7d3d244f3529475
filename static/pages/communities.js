import { post, query as withQuery } from '../api.js'
import { ask, toast } from '../parts/dialog.js'
import { Field } from '../parts/form.js'
import { Communities as CommunityList, communityAddress } from '../parts/lists.js'
import { address, go, Head, html, Icon } from '../parts/page.js'
import { Order, Search, UserPicker } from '../parts/search.js'
import { named } from '../parts/user.js'

function create() {
	ask({
		title: 'Create a community', submit: 'Create',
		body: html`
			<${Field} label=Name name=name maxlength=200 />
			<${UserPicker} label=Owner name=owner_id hint="They are its first member." />`,
		act: async ({ name, owner_id }) => {
			const community = await post('/communities', { name, owner_id })
			toast(html`Community ${named(community.name)} created.`)
			go(communityAddress(community.id))
		},
	})
}

export default function Communities({ query }) {
	const change = (values) => go(address('/communities', { ...query, ...values }), { replace: true })
	const button = html`<button onClick=${create}>Create a community</button>`
	return html`
		<${Head} title=Communities><button class=primary onClick=${create}><${Icon} name=plus />Create a community</button><//>
		<div class=bar>
			<${Search} value=${query.search} label="Search communities" placeholder="Beginning of a name, or an id" change=${(search) => change({ search })} />
			<${Order} query=${query} change=${change} />
		</div>
		<${CommunityList} path=${withQuery('/communities', { search: query.search, order: query.search ? '' : query.order, limit: 100 })}
			empty=${query.search
				? [html`No community begins with “<bdi>${query.search}</bdi>”.`, html`Names are compared without case. <button onClick=${() => change({ search: '' })}>Show all</button>`]
				: ['There are no communities yet.', html`Members make them in their client, or you make one here. ${button}`]} />`
}
