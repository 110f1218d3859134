import type { Expression } from 'luaparse'
import type { Scopes } from './scopes.ts'
import { unknownPart } from './unknown-part.ts'

type ExpressionOf<TType extends Expression['type']> = Extract<Expression, { type: TType }>

/** Writes JavaScript for expressions of Lua. */
export class ExpressionWriter {
  readonly #scopes: Scopes
  readonly #writeFunction: (declared: ExpressionOf<'FunctionDeclaration'>) => string

  constructor(
    scopes: Scopes,
    writeFunction: (declared: ExpressionOf<'FunctionDeclaration'>) => string,
  ) {
    this.#scopes = scopes
    this.#writeFunction = writeFunction
  }

  /** JavaScript for a list of values. The last one may be several. */
  list(expressions: readonly Expression[]): string {
    const last = expressions.at(-1)
    if (last === undefined) return '[]'
    if (last.type !== 'CallExpression' && last.type !== 'StringCallExpression')
      return `[${expressions.map((each) => this.value(each)).join(', ')}]`
    const call = this.call(last)
    if (expressions.length === 1) return call
    const others = expressions.slice(0, -1).map((each) => this.value(each))
    return `[${others.join(', ')}, ...${call}]`
  }

  /** JavaScript for a call, which gives a list of values. */
  call(call: ExpressionOf<'CallExpression' | 'StringCallExpression'>): string {
    if (call.type === 'StringCallExpression')
      return `lua.toFunction(${this.value(call.base)})(${this.value(call.argument)})`
    const list = this.list(call.arguments)
    const args = list.startsWith('[') ? list.slice(1, -1) : `...${list}`
    return `lua.toFunction(${this.value(call.base)})(${args})`
  }

  /** JavaScript for one value. */
  value(expression: Expression): string {
    switch (expression.type) {
      case 'StringLiteral':
        return JSON.stringify(expression.value)
      case 'NumericLiteral':
      case 'BooleanLiteral':
        return String(expression.value)
      case 'NilLiteral':
        return 'undefined'
      case 'Identifier':
        return this.#scopes.find(expression.name) ?? `global(${JSON.stringify(expression.name)})`
      case 'MemberExpression':
        if (expression.indexer === ':') throw unknownPart('method call')
        return `lua.index(${this.value(expression.base)}, ${JSON.stringify(expression.identifier.name)})`
      case 'IndexExpression':
        return `lua.index(${this.value(expression.base)}, ${this.value(expression.index)})`
      case 'CallExpression':
      case 'StringCallExpression':
        return `${this.call(expression)}[0]`
      case 'FunctionDeclaration':
        return this.#writeFunction(expression)
      case 'TableConstructorExpression':
        return this.#table(expression)
      case 'LogicalExpression':
        return this.#logical(expression)
      case 'UnaryExpression':
        return this.#unary(expression)
      case 'BinaryExpression':
        return this.#binary(expression)
      default:
        throw unknownPart(expression.type)
    }
  }

  /** JavaScript for a value that an operator takes as a number. */
  number(expression: Expression): string {
    if (expression.type === 'NumericLiteral') return String(expression.value)
    return `lua.operand(${this.value(expression)})`
  }

  /** JavaScript for whether a value counts as true. */
  condition(expression: Expression): string {
    if (isBoolean(expression)) return this.value(expression)
    if (expression.type === 'LogicalExpression') {
      const operator = expression.operator === 'and' ? '&&' : '||'
      const [left, right] = [expression.left, expression.right].map((each) => this.condition(each))
      return `(${left} ${operator} ${right})`
    }
    return `lua.isTrue(${this.value(expression)})`
  }

  #table({ fields }: ExpressionOf<'TableConstructorExpression'>): string {
    const values = fields.map((field) => {
      if (field.type === 'TableValue') return field.value
      throw unknownPart('named field')
    })
    return `lua.newTable(${this.list(values)})`
  }

  #logical({ operator, left, right }: ExpressionOf<'LogicalExpression'>): string {
    const name = `either$${this.#scopes.next()}`
    const [kept, other] = [name, this.value(right)]
    const choice = operator === 'and' ? `${other} : ${kept}` : `${kept} : ${other}`
    return `((${name}) => lua.isTrue(${name}) ? ${choice})(${this.value(left)})`
  }

  #unary({ operator, argument }: ExpressionOf<'UnaryExpression'>): string {
    if (operator === 'not') return `!${this.condition(argument)}`
    if (operator === '-') return `(-${this.number(argument)})`
    if (operator === '#') return `lua.length(${this.value(argument)})`
    throw unknownPart(operator)
  }

  #binary({ operator, left, right }: ExpressionOf<'BinaryExpression'>): string {
    switch (operator) {
      case '+':
      case '-':
      case '*':
      case '/':
        return `(${this.number(left)} ${operator} ${this.number(right)})`
      case '%':
        return `lua.modulo(${this.number(left)}, ${this.number(right)})`
      case '..':
        return `lua.concat(${this.value(left)}, ${this.value(right)})`
      case '==':
        return `(${this.value(left)} === ${this.value(right)})`
      case '~=':
        return `(${this.value(left)} !== ${this.value(right)})`
      case '<':
        return `lua.isLess(${this.value(left)}, ${this.value(right)})`
      case '>':
        return `lua.isLess(${this.value(right)}, ${this.value(left)})`
      case '<=':
        return `lua.isAtMost(${this.value(left)}, ${this.value(right)})`
      case '>=':
        return `lua.isAtMost(${this.value(right)}, ${this.value(left)})`
      default:
        throw unknownPart(operator)
    }
  }
}

const comparisons: ReadonlySet<string> = new Set(['==', '~=', '<', '>', '<=', '>='])

/** Whether the JavaScript of an expression is always a boolean. */
function isBoolean(expression: Expression): boolean {
  if (expression.type === 'BinaryExpression') return comparisons.has(expression.operator)
  if (expression.type === 'UnaryExpression') return expression.operator === 'not'
  return expression.type === 'BooleanLiteral'
}
