import ts from 'typescript'

/**
 * The doc comments of a TypeScript source, by interface: `Map(name → { comment, members: Map(name → comment), literals: Map(name → values) })`.
 * `literals` are the members whose type is one or more literal texts, such as `event: 'join' | 'leave'`.
 */
export function interfaceComments(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const interfaces = new Map()
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement)) continue
    const members = statement.members.filter((member) => ts.isPropertySignature(member))
    interfaces.set(statement.name.text, {
      comment: commentOf(statement),
      members: new Map(members.map((member) => [member.name.getText(source), commentOf(member)])),
      literals: new Map(members.map((member) => [member.name.getText(source), literalsOf(member.type)])),
    })
  }
  return interfaces
}

function commentOf(node) {
  const comments = ts.getJSDocCommentsAndTags(node).filter((comment) => ts.isJSDoc(comment))
  return comments
    .map((comment) => (ts.getTextOfJSDocComment(comment.comment) ?? '').replace(/\s+/g, ' '))
    .join(' ')
}

function literalsOf(type) {
  const branches = type !== undefined && ts.isUnionTypeNode(type) ? type.types : [type]
  return branches.flatMap((branch) =>
    branch !== undefined && ts.isLiteralTypeNode(branch) && ts.isStringLiteral(branch.literal)
      ? [branch.literal.text]
      : [],
  )
}
