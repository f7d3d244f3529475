import { UserChip } from '../parts/chip.js'
import { Channels as ChannelList } from '../parts/lists.js'
import { address, Empty, go, Head, html, useLoad } from '../parts/page.js'
import { UserPicker } from '../parts/search.js'

export default function Channels({ query }) {
	const { data, error } = useLoad(query.user ? `/users/${encodeURIComponent(query.user)}` : null)
	return html`
		<${Head} title=Channels note="The DMs and groups of one user: who is in them, and since when. What is written in them is not stored on this server." />
		<div class=bar><${UserPicker} label=Whose clear pick=${(user) => go(address('/channels', { user: user.id }))} /></div>
		${!query.user && html`<${Empty} title="Choose a user.">Their DMs and groups show here: type the beginning of their name, their tag or their id above.<//>`}
		${error && !data && html`<${Empty} title="There is no user with this id.">Choose another one above.<//>`}
		${data && html`
			<h2 class=of>DMs and groups of <${UserChip} user=${data.user} /></h2>
			<${ChannelList} key=${query.user} of=${query.user} path=${`/users/${query.user}/channels?limit=100`} empty=${['No DMs and no groups.', 'People open them in their client.']} />`}`
}
